using System.Buffers.Binary;
using System.Globalization;

namespace KafkaBackup.Testing;

/// <summary>
/// Damages sound inputs at random and hands them to a parser. An input depends on seed, round and the sound inputs alone, so that a
/// failure, which names both, can be repeated by <see cref="Input"/>.
/// </summary>
/// <param name="sound">Inputs that the parser takes; also what is spliced together.</param>
/// <param name="words">Pieces that mean something to the parser and are put in anywhere: names, literals, magic numbers.</param>
/// <param name="seal">Makes checksums right again, so that what is behind them is reached; applied to three of four inputs.</param>
public sealed class MutationFuzzer(
    int seed,
    IReadOnlyList<byte[]> sound,
    IReadOnlyList<byte[]>? words = null,
    Func<byte[], byte[]>? seal = null
)
{
    private const int FewRounds = 2000;
    private const long SpareBytes = 64L << 20;
    private const int TimesInput = 10;

    private static readonly TimeSpan Hanging = TimeSpan.FromSeconds(60);

    private static readonly long[] Odd =
    [
        0,
        1,
        -1,
        2,
        7,
        8,
        15,
        16,
        127,
        128,
        -128,
        255,
        256,
        1000,
        32767,
        32768,
        65535,
        65536,
        1 << 20,
        1 << 24,
        int.MaxValue - 1,
        int.MaxValue,
        int.MinValue,
        uint.MaxValue,
        1L << 32,
        1L << 40,
        long.MaxValue - 1,
        long.MaxValue,
        long.MinValue,
    ];

    private static readonly string[] Numbers =
    [
        "0",
        "-0",
        "-1",
        "1e300",
        "-1e300",
        "1e-300",
        "NaN",
        "2147483647",
        "2147483648",
        "9223372036854775807",
        "9223372036854775808",
        "99999999999999999999",
        "0.5",
    ];

    /// <summary>KAFKABACKUP_TEST_FUZZ: how many inputs each parser gets; a few thousand unless it is set.</summary>
    public static int Rounds { get; } =
        int.TryParse(
            Environment.GetEnvironmentVariable("KAFKABACKUP_TEST_FUZZ"),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var asked
        )
            ? asked
            : FewRounds;

    /// <summary>The input of one round.</summary>
    public byte[] Input(int round)
    {
        var random = new Random(HashCode(seed, round));
        var input = new List<byte>(sound[random.Next(sound.Count)]);
        for (var times = 1 + (random.Next(4) == 0 ? random.Next(12) : random.Next(3)); times > 0; times--)
        {
            Mutate(input, random);
        }

        byte[] mutated = [.. input];
        return seal is null || random.Next(4) == 0 ? mutated : seal(mutated);
    }

    /// <summary>
    /// Runs the parser on so many inputs. It may throw a KafkaBackupException of any id but Unexpected; everything else fails: other
    /// exceptions, a minute without an end, more memory taken on its thread than ten times the input and 64 MB. So the parser must do its
    /// work on the thread that calls it.
    /// </summary>
    public void Run(int rounds, Func<byte[], Task> parse)
    {
        Exception? failure = null;
        var round = 0;
        var worker = new Thread(() =>
        {
            try
            {
                for (; Volatile.Read(ref round) < rounds; Interlocked.Increment(ref round))
                {
                    Check(round, parse);
                }
            }
            catch (Exception error)
            {
                failure = error;
            }
        })
        {
            IsBackground = true,
        };
        worker.Start();
        for (var before = -1; !worker.Join(Hanging); before = round)
        {
            if (before == Volatile.Read(ref round))
            {
                throw new InvalidOperationException($"{Name(before)} hangs.");
            }
        }

        if (failure is not null)
        {
            throw new InvalidOperationException($"{Name(round)}: {failure.Message}", failure);
        }
    }

    private void Check(int round, Func<byte[], Task> parse)
    {
        var input = Input(round);
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            parse(input).GetAwaiter().GetResult();
        }
        catch (KafkaBackupException error) when (error.Definition != ErrorIds.Unexpected)
        {
            // That is how untrusted bytes are refused.
        }

        var taken = GC.GetAllocatedBytesForCurrentThread() - before;
        if (taken > ((long)input.Length * TimesInput) + SpareBytes)
        {
            throw new InvalidOperationException(
                string.Create(CultureInfo.InvariantCulture, $"{taken:N0} bytes of memory for an input of {input.Length:N0}.")
            );
        }
    }

    private string Name(int round) => $"The input of seed {seed}, round {round}";

    /// <summary>Not <see cref="System.HashCode"/>, which differs from process to process.</summary>
    private static int HashCode(int seed, int round) => unchecked((seed * 397) ^ (int)((uint)round * 2654435761));

    private void Mutate(List<byte> input, Random random)
    {
        var at = random.Next(input.Count + 1);
        switch (random.Next(12))
        {
            case 0 when input.Count > 0:
                input[random.Next(input.Count)] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when input.Count > 0:
                input[random.Next(input.Count)] = (byte)random.Next(256);
                break;
            case 2:
                Overwrite(input, at, Integer(random));
                break;
            case 3:
                input.RemoveRange(at, random.Next(Math.Min(input.Count - at, random.Next(2) == 0 ? 8 : int.MaxValue) + 1));
                break;
            case 4:
                input.RemoveRange(at, input.Count - at);
                break;
            case 5:
                input.InsertRange(random.Next(input.Count + 1), input.GetRange(at, Math.Min(input.Count - at, random.Next(256))));
                break;
            case 6:
                var filling = new byte[random.Next(64)];
                random.NextBytes(filling);
                input.InsertRange(at, filling);
                break;
            case 7:
                var other = sound[random.Next(sound.Count)];
                input.RemoveRange(at, input.Count - at);
                input.AddRange(other[random.Next(other.Length + 1)..]);
                break;
            case 8:
                ReplaceNumber(input, at, random);
                break;
            case 9 when words is { Count: > 0 }:
                Overwrite(input, at, words[random.Next(words.Count)]);
                break;
            case 10 when words is { Count: > 0 }:
                input.InsertRange(at, words[random.Next(words.Count)]);
                break;
            case 11:
                ReplaceToken(input, at, random);
                break;
        }
    }

    private static byte[] Integer(Random random)
    {
        var bytes = new byte[8];
        var value = Odd[random.Next(Odd.Length)];
        if (random.Next(2) == 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
            return bytes[..(1 << random.Next(4))];
        }

        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return bytes[(8 - (1 << random.Next(4)))..];
    }

    private static void Overwrite(List<byte> input, int at, byte[] with)
    {
        input.RemoveRange(at, Math.Min(with.Length, input.Count - at));
        input.InsertRange(at, with);
    }

    /// <summary>The next decimal number in a text becomes another one.</summary>
    private static void ReplaceNumber(List<byte> input, int at, Random random)
    {
        var start = input.FindIndex(at, b => b is >= (byte)'0' and <= (byte)'9');
        if (start >= 0)
        {
            var end = input.FindIndex(start, b => b is < (byte)'0' or > (byte)'9');
            input.RemoveRange(start, (end < 0 ? input.Count : end) - start);
            input.InsertRange(start, Numbers[random.Next(Numbers.Length)].Select(c => (byte)c));
        }
    }

    /// <summary>What stands between two separators of a text becomes null, an empty list, an empty object, a word or a long name.</summary>
    private static void ReplaceToken(List<byte> input, int at, Random random)
    {
        var start = input.FindIndex(at, IsSeparator);
        var end = start < 0 ? -1 : input.FindIndex(start + 1, IsSeparator);
        if (end > 0)
        {
            var with = random.Next(7) switch
            {
                0 => "null",
                1 => "[]",
                2 => "[null]",
                3 => "{}",
                4 => "\"\"",
                5 => $"\"{new string('x', random.Next(400))}\"",
                _ => "true",
            };
            input.RemoveRange(start + 1, end - start - 1);
            input.InsertRange(start + 1, with.Select(c => (byte)c));
        }
    }

    private static bool IsSeparator(byte b) =>
        b is (byte)':' or (byte)',' or (byte)'{' or (byte)'}' or (byte)'[' or (byte)']' or (byte)'\n';
}
