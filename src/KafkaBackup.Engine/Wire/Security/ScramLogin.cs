using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace KafkaBackup.Engine.Wire.Security;

/// <summary>SCRAM (RFC 5802, 7677): neither side shows the password, and the broker proves that it knows it too.</summary>
internal sealed class ScramLogin(HashAlgorithmName hash, string user, Secret password) : SaslLogin
{
    public override string Mechanism => hash == HashAlgorithmName.SHA512 ? "SCRAM-SHA-512" : "SCRAM-SHA-256";

    public override string Proof => "the user name or the password";

    public override ValueTask<ISaslExchange> BeginAsync(string host, CancellationToken cancel) =>
        new(new ScramExchange(hash, user, password, Convert.ToBase64String(RandomNumberGenerator.GetBytes(24))));
}

internal sealed class ScramExchange(HashAlgorithmName hash, string user, Secret password, string nonce) : ISaslExchange
{
    /// <summary>Fewer would give the password away to whoever pretends to be the broker; Kafka stores no fewer.</summary>
    public const int LeastIterations = 4096;

    /// <summary>More would only be asked for to keep this process busy.</summary>
    public const int MostIterations = 1_000_000;

    private const string NoChannelBinding = "n,,";

    private readonly string _clientFirst =
        $"n={user.Replace("=", "=3D", StringComparison.Ordinal).Replace(",", "=2C", StringComparison.Ordinal)},r={nonce}";
    private byte[]? _serverSignature;

    public ReadOnlyMemory<byte> First() => Encoding.UTF8.GetBytes(NoChannelBinding + _clientFirst);

    public ReadOnlyMemory<byte>? Next(ReadOnlySpan<byte> challenge)
    {
        var message = Encoding.UTF8.GetString(challenge);
        if (_serverSignature is null)
        {
            return Encoding.UTF8.GetBytes(Final(message));
        }

        Verify(message);
        return null;
    }

    public void Dispose() { }

    private string Final(string serverFirst)
    {
        var fields = Fields(serverFirst);
        if (fields.TryGetValue('e', out var error))
        {
            throw new SaslException($"the broker says '{error}'");
        }

        if (
            !fields.TryGetValue('r', out var fullNonce)
            || !fields.TryGetValue('s', out var saltText)
            || !fields.TryGetValue('i', out var iterationText)
        )
        {
            throw new SaslException("the broker's first SCRAM message lacks its nonce, salt or iteration count");
        }

        if (!fullNonce.StartsWith(nonce, StringComparison.Ordinal) || fullNonce.Length == nonce.Length)
        {
            throw new SaslException("the broker's SCRAM nonce does not continue this client's");
        }

        if (
            !int.TryParse(iterationText, NumberStyles.None, CultureInfo.InvariantCulture, out var iterations)
            || iterations is < LeastIterations or > MostIterations
        )
        {
            throw new SaslException(
                $"the broker asks for {iterationText} SCRAM iterations; {LeastIterations:N0} to {MostIterations:N0} are accepted"
            );
        }

        var salted = Rfc2898DeriveBytes.Pbkdf2(
            Encoding.UTF8.GetBytes(password.Reveal()),
            Base64(saltText, "salt"),
            iterations,
            hash,
            HashLength
        );
        var clientKey = Hmac(salted, "Client Key");
        var withoutProof = $"c={Convert.ToBase64String(Encoding.UTF8.GetBytes(NoChannelBinding))},r={fullNonce}";
        var signed = $"{_clientFirst},{serverFirst},{withoutProof}";
        var proof = Hmac(Hash(clientKey), signed);
        for (var i = 0; i < proof.Length; i++)
        {
            proof[i] ^= clientKey[i];
        }

        _serverSignature = Hmac(Hmac(salted, "Server Key"), signed);
        return $"{withoutProof},p={Convert.ToBase64String(proof)}";
    }

    private void Verify(string serverFinal)
    {
        var fields = Fields(serverFinal);
        if (fields.TryGetValue('e', out var error))
        {
            throw new SaslException($"the broker says '{error}'");
        }

        if (
            !fields.TryGetValue('v', out var signature)
            || !CryptographicOperations.FixedTimeEquals(Base64(signature, "signature"), _serverSignature)
        )
        {
            throw new SaslException(
                "the broker could not prove that it knows this user's password: it may not be the broker that it claims to be"
            );
        }
    }

    private int HashLength => hash == HashAlgorithmName.SHA512 ? 64 : 32;

    private byte[] Hmac(byte[] key, string text) =>
        hash == HashAlgorithmName.SHA512
            ? HMACSHA512.HashData(key, Encoding.UTF8.GetBytes(text))
            : HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    private byte[] Hash(byte[] data) => hash == HashAlgorithmName.SHA512 ? SHA512.HashData(data) : SHA256.HashData(data);

    private static byte[] Base64(string text, string what)
    {
        try
        {
            return Convert.FromBase64String(text);
        }
        catch (FormatException wrong)
        {
            throw new SaslException($"the broker's SCRAM {what} is not base64", wrong);
        }
    }

    private static Dictionary<char, string> Fields(string message)
    {
        var fields = new Dictionary<char, string>();
        foreach (var field in message.Split(','))
        {
            if (field.Length >= 2 && field[1] == '=')
            {
                fields.TryAdd(field[0], field[2..]);
            }
        }

        return fields;
    }
}
