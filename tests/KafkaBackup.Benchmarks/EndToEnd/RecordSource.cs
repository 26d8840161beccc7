using System.Globalization;
using System.Text;

namespace KafkaBackup.Benchmarks.EndToEnd;

/// <summary>
/// The records of a workload, the same on every machine. Values hold no line feed, so that line-based tools can produce them.
/// </summary>
internal sealed class RecordSource(Workload workload)
{
    private const string Field =
        "\"customer_identifier\":\"\",\"order_status\":\"SHIPPED\",\"currency\":\"EUR\",\"warehouse\":\"central-3\",\"checksum\":\"\",";

    /// <summary>Of each 25 bytes of JSON-like text so many are random hex digits: zstd -1 then makes a quarter of it.</summary>
    private const int RandomOf25 = 11;

    private readonly byte[] _template = Encoding.ASCII.GetBytes(
        string.Concat(Enumerable.Repeat(Field, (workload.RecordBytes / Field.Length) + 1))
    );
    private readonly byte[] _key = new byte[KeyBytes];
    private readonly byte[] _value = new byte[workload.RecordBytes - KeyBytes];
    private ulong _state = 0x9E3779B97F4A7C15;

    private const int KeyBytes = 12;

    public ReadOnlySpan<byte> Key => _key;

    public ReadOnlySpan<byte> Value => _value;

    public void Next(long number)
    {
        number.TryFormat(_key, out _, "D12", CultureInfo.InvariantCulture);
        if (workload.Content == Content.Random)
        {
            FillRandom();
        }
        else
        {
            FillText();
        }
    }

    private void FillRandom()
    {
        for (var i = 0; i < _value.Length; i += 8)
        {
            var bits = Random();
            for (var b = i; b < Math.Min(i + 8, _value.Length); b++, bits >>= 8)
            {
                _value[b] = (byte)bits == '\n' ? (byte)'\r' : (byte)bits;
            }
        }
    }

    private void FillText()
    {
        var hex = "0123456789abcdef"u8;
        for (var i = 0; i < _value.Length; i += 25)
        {
            var bits = Random();
            var random = Math.Min(RandomOf25, _value.Length - i);
            for (var b = 0; b < random; b++, bits >>= 4)
            {
                _value[i + b] = hex[(int)(bits & 15)];
            }

            var rest = Math.Min(25 - RandomOf25, _value.Length - i - random);
            if (rest > 0)
            {
                _template.AsSpan(i, rest).CopyTo(_value.AsSpan(i + random));
            }
        }
    }

    private ulong Random()
    {
        _state ^= _state << 13;
        _state ^= _state >> 7;
        return _state ^= _state << 17;
    }
}
