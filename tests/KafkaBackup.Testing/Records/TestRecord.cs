using System.Text;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Testing.Records;

public delegate void RecordAction(in RecordView record);

/// <summary>
/// A record as plain values, for tests to make, keep and compare. Equal means: every byte the same, null and empty told apart.
/// </summary>
public sealed record TestRecord
{
    public long Offset { get; init; }

    public long Timestamp { get; init; } = 1_705_312_800_000;

    public TimestampKind TimestampKind { get; init; } = TimestampKind.CreateTime;

    public byte[]? Key { get; init; }

    public byte[]? Value { get; init; }

    public IReadOnlyList<TestHeader> Headers { get; init; } = [];

    /// <summary>A plain record with text in it.</summary>
    public static TestRecord Text(long offset, string? key, string? value, long timestamp = 1_705_312_800_000) =>
        new()
        {
            Offset = offset,
            Timestamp = timestamp,
            Key = key is null ? null : Encoding.UTF8.GetBytes(key),
            Value = value is null ? null : Encoding.UTF8.GetBytes(value),
        };

    /// <summary>Keeps what a view shows.</summary>
    public static TestRecord Copy(in RecordView view)
    {
        var headers = new TestHeader[view.Headers.Length];
        for (var index = 0; index < headers.Length; index++)
        {
            ref readonly var header = ref view.Headers[index];
            headers[index] = new TestHeader(header.Name.ToArray(), header.ValueIsNull ? null : header.Value.ToArray());
        }

        return new TestRecord
        {
            Offset = view.Offset,
            Timestamp = view.Timestamp,
            TimestampKind = view.TimestampKind,
            Key = view.KeyIsNull ? null : view.Key.ToArray(),
            Value = view.ValueIsNull ? null : view.Value.ToArray(),
            Headers = headers,
        };
    }

    /// <summary>Shows the record as a view, for as long as the action runs.</summary>
    public unsafe void View(RecordAction action)
    {
        ArgumentNullException.ThrowIfNull(action);
        var size = Headers.Sum(static header => header.Name.Length + (header.Value?.Length ?? 0));
        var memory = GC.AllocateUninitializedArray<byte>(Math.Max(1, size), pinned: true);
        var slices = new HeaderSlice[Headers.Count];
        fixed (byte* start = memory)
        {
            var next = start;
            for (var index = 0; index < slices.Length; index++)
            {
                var (name, value) = Headers[index];
                name.CopyTo(new Span<byte>(next, name.Length));
                value?.CopyTo(new Span<byte>(next + name.Length, value.Length));
                slices[index] = new HeaderSlice(next, name.Length, next + name.Length, value?.Length ?? -1);
                next += name.Length + (value?.Length ?? 0);
            }

            action(
                new RecordView
                {
                    Offset = Offset,
                    Timestamp = Timestamp,
                    TimestampKind = TimestampKind,
                    Key = Key,
                    KeyIsNull = Key is null,
                    Value = Value,
                    ValueIsNull = Value is null,
                    Headers = slices,
                    LeaderEpoch = -1,
                }
            );
        }
    }

    public bool Equals(TestRecord? other) =>
        other is not null
        && Offset == other.Offset
        && Timestamp == other.Timestamp
        && TimestampKind == other.TimestampKind
        && Bytes.Equal(Key, other.Key)
        && Bytes.Equal(Value, other.Value)
        && Headers.SequenceEqual(other.Headers);

    public override int GetHashCode() => HashCode.Combine(Offset, Timestamp, TimestampKind, Key?.Length, Value?.Length, Headers.Count);

    public override string ToString() =>
        $"{Offset} @{Timestamp} {TimestampKind} key={Bytes.Show(Key)} value={Bytes.Show(Value)} [{string.Join(", ", Headers)}]";
}

public sealed record TestHeader(byte[] Name, byte[]? Value)
{
    public TestHeader(string name, string? value)
        : this(Encoding.UTF8.GetBytes(name), value is null ? null : Encoding.UTF8.GetBytes(value)) { }

    public bool Equals(TestHeader? other) => other is not null && Bytes.Equal(Name, other.Name) && Bytes.Equal(Value, other.Value);

    public override int GetHashCode() => HashCode.Combine(Name.Length, Value?.Length);

    public override string ToString() => $"{Bytes.Show(Name)}:{Bytes.Show(Value)}";
}

internal static class Bytes
{
    public static bool Equal(byte[]? left, byte[]? right) =>
        left is null || right is null ? ReferenceEquals(left, right) : left.AsSpan().SequenceEqual(right);

    public static string Show(byte[]? bytes) =>
        bytes is null ? "null"
        : bytes.Length <= 16 ? $"'{Convert.ToHexString(bytes)}'"
        : $"'{Convert.ToHexString(bytes, 0, 16)}...'({bytes.Length})";
}
