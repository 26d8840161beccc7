using System.Collections;
using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Tests.Wire;

/// <summary>Every message in every version, against Kafka's own definition of it.</summary>
public sealed class MessageTests
{
    /// <summary>What a field that a request leaves alone may hold: no follower, no generation, no directory, nothing.</summary>
    private static readonly object?[] SaysNothing = [-1L, false, null, "", Guid.Empty];

    public static TheoryData<string, short> Versions
    {
        get
        {
            var data = new TheoryData<string, short>();
            foreach (var message in MessageSchemas.All)
            {
                for (var version = message.Api.MinVersion; version <= message.Api.MaxVersion; version++)
                {
                    data.Add(message.ToString(), version);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void A_request_says_what_it_must_in_every_version(string name, short version)
    {
        var message = Find(name);
        using var writer = new WireWriter();
        writer.BeginBody(version, message.IsFlexible(version));
        message.Write(writer);
        var leaves = Schema.Leaves(Schema.Decode(message.Request, writer.ToArray(), version, message.IsFlexible(version))).ToList();
        Assert.All(
            leaves,
            leaf =>
            {
                if (message.Says.TryGetValue(leaf.Path, out var expected))
                {
                    Assert.Equal(expected, leaf.Value);
                }
                else
                {
                    Assert.Contains(leaf.Value, SaysNothing);
                }
            }
        );
    }

    [Fact]
    public void Everything_that_a_request_says_is_in_one_version_at_least()
    {
        foreach (var message in MessageSchemas.All)
        {
            var said = new HashSet<string>();
            for (var version = message.Api.MinVersion; version <= message.Api.MaxVersion; version++)
            {
                using var writer = new WireWriter();
                writer.BeginBody(version, message.IsFlexible(version));
                message.Write(writer);
                said.UnionWith(
                    Schema
                        .Leaves(Schema.Decode(message.Request, writer.ToArray(), version, message.IsFlexible(version)))
                        .Select(leaf => leaf.Path)
                );
            }

            Assert.Empty(message.Says.Keys.Except(said));
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void An_answer_is_read_field_by_field_in_every_version(string name, short version)
    {
        var message = Find(name);
        var random = new Random(version + 17);
        for (var round = 0; round < 20; round++)
        {
            var values = RandomAnswer(message, version, random);
            var bytes = Schema.Encode(message.Response, values, version, message.IsFlexible(version), unknownTags: round % 2 == 1);
            AssertSame(values, message.Read(bytes, version, null), name);
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void An_answer_cut_off_anywhere_is_an_error_with_message_field_and_place(string name, short version)
    {
        var message = Find(name);
        var bytes = Schema.Encode(message.Response, RandomAnswer(message, version, new Random(4)), version, message.IsFlexible(version));
        for (var length = 0; length < bytes.Length; length += length < 400 ? 1 : 13)
        {
            var error = Assert.Throws<WireException>(() => message.Read(bytes.AsMemory(0, length), version, null));
            Assert.Equal(WireFailure.Malformed, error.Kind);
            Assert.Matches($"^The answer to {name} \\(version {version}\\) cannot be read: .+, in .+ at byte [0-9]+\\.$", error.Message);
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void A_damaged_answer_is_an_error_or_read_within_bounded_memory(string name, short version)
    {
        var message = Find(name);
        var good = Schema.Encode(message.Response, RandomAnswer(message, version, new Random(5)), version, message.IsFlexible(version));
        byte[][] huge =
        [
            [0x7f, 0xff, 0xff, 0xff],
            [0xff, 0xff, 0xff, 0xff],
            [0xff, 0xff, 0xff, 0xff, 0x0f],
            [0xff, 0xff, 0xff, 0xff, 0x7f],
            [0x80, 0x80, 0x80, 0x80],
            [0x00, 0x01, 0x00, 0x00],
        ];
        var random = new Random(6);
        for (var at = 0; at < good.Length; at += 1 + (good.Length / 200))
        {
            foreach (var pattern in huge)
            {
                var bytes = good.ToArray();
                pattern.AsSpan(0, Math.Min(pattern.Length, bytes.Length - at)).CopyTo(bytes.AsSpan(at));
                ReadHostile(message, bytes, version);
            }
        }

        for (var round = 0; round < 300; round++)
        {
            var bytes = good.ToArray();
            for (var changes = random.Next(1, 6); changes > 0; changes--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            ReadHostile(message, bytes, version);
        }
    }

    private static void ReadHostile(MessageCase message, byte[] bytes, short version)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            message.Read(bytes, version, null);
        }
        catch (WireException damaged) when (damaged.Kind == WireFailure.Malformed)
        {
            // That is what it is for.
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 * 1024 + (bytes.Length * 100));
    }

    private static MessageCase Find(string name) => MessageSchemas.All.Single(message => message.ToString() == name);

    /// <summary>Some answers must name exactly what was asked for.</summary>
    private static Dictionary<string, object?> RandomAnswer(MessageCase message, short version, Random random)
    {
        var values = Schema.Random(message.Response, version, random);
        if (values.TryGetValue("only", out var only))
        {
            values["only"] = new List<object?> { ((List<object?>)only!)[0] };
        }

        return values;
    }

    internal static void AssertSame(Dictionary<string, object?> expected, object actual, string path)
    {
        foreach (var (name, value) in expected)
        {
            if (name.StartsWith('_'))
            {
                continue;
            }

            if (name == "only")
            {
                AssertSame((Dictionary<string, object?>)((List<object?>)value!)[0]!, actual, path);
                continue;
            }

            var property = actual.GetType().GetProperty(name);
            Assert.True(property is not null, $"{path} has no {name}");
            AssertSameValue(value, property.GetValue(actual), $"{path}.{name}");
        }
    }

    private static void AssertSameValue(object? expected, object? actual, string path)
    {
        switch (expected)
        {
            case Dictionary<string, object?> structure:
                Assert.True(actual is not null, $"{path} is not there");
                AssertSame(structure, actual, path);
                break;
            case List<object?> list:
                var items = ((IEnumerable)actual!).Cast<object>().ToList();
                Assert.True(list.Count == items.Count, $"{path} has {items.Count} entries, not {list.Count}");
                for (var i = 0; i < items.Count; i++)
                {
                    AssertSameValue(list[i], items[i], $"{path}[{i}]");
                }

                break;
            case byte[] bytes:
                Assert.Equal(bytes, ((ReadOnlyMemory<byte>)actual!).ToArray());
                break;
            case null:
                Assert.True(
                    actual is null or ICollection { Count: 0 } or ReadOnlyMemory<byte> { IsEmpty: true },
                    $"{path} is {actual}, not null"
                );
                break;
            case long number when actual is TimeSpan time:
                Assert.Equal(number, (long)time.TotalMilliseconds);
                break;
            case long number:
                Assert.True(
                    number == Convert.ToInt64(actual is Enum code ? Convert.ToInt64(code, null) : actual, null),
                    $"{path} is {actual}, not {number}"
                );
                break;
            default:
                Assert.Equal(expected, actual);
                break;
        }
    }
}
