using System.Security.Cryptography;
using System.Text;

namespace KafkaBackup.LocalBroker.Security;

/// <summary>The server's side of SCRAM (RFC 5802): two rounds, in which neither side shows the password.</summary>
internal sealed class ScramExchange(string mechanism, IReadOnlyDictionary<string, string> users)
{
    private const int Iterations = 4096;

    private readonly HashAlgorithmName _hash = mechanism == "SCRAM-SHA-512" ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256;
    private readonly byte[] _salt = RandomNumberGenerator.GetBytes(16);
    private string? _user;
    private string _clientFirst = "";
    private string _serverFirst = "";
    private string _nonce = "";

    /// <summary>The answer to a client message, null for a refusal; the user once proven.</summary>
    public (string? Reply, string? User) Step(string message) => _user is null ? (First(message), null) : Final(message);

    private string? First(string message)
    {
        const string noChannelBinding = "n,,";
        if (!message.StartsWith(noChannelBinding, StringComparison.Ordinal))
            return null;
        _clientFirst = message[noChannelBinding.Length..];
        var fields = Fields(_clientFirst);
        if (!fields.TryGetValue('n', out var name) || !fields.TryGetValue('r', out var clientNonce))
            return null;
        _user = name.Replace("=2C", ",", StringComparison.Ordinal).Replace("=3D", "=", StringComparison.Ordinal);
        if (!users.ContainsKey(_user))
            return null;
        _nonce = clientNonce + Convert.ToBase64String(RandomNumberGenerator.GetBytes(18));
        return _serverFirst = $"r={_nonce},s={Convert.ToBase64String(_salt)},i={Iterations}";
    }

    private (string? Reply, string? User) Final(string message)
    {
        var fields = Fields(message);
        if (!fields.TryGetValue('r', out var nonce) || nonce != _nonce || !fields.TryGetValue('p', out var proofText))
            return (null, null);
        var authMessage = $"{_clientFirst},{_serverFirst},{message[..message.LastIndexOf(",p=", StringComparison.Ordinal)]}";
        var hashLength = _hash == HashAlgorithmName.SHA512 ? 64 : 32;
        var salted = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(users[_user!]), _salt, Iterations, _hash, hashLength);
        var clientKey = Hmac(salted, "Client Key");
        var signature = Hmac(Hash(clientKey), authMessage);
        var proof = new byte[hashLength];
        for (var i = 0; i < hashLength; i++)
            proof[i] = (byte)(clientKey[i] ^ signature[i]);
        if (!CryptographicOperations.FixedTimeEquals(proof, Convert.FromBase64String(proofText)))
            return (null, null);
        return ($"v={Convert.ToBase64String(Hmac(Hmac(salted, "Server Key"), authMessage))}", _user);
    }

    private static Dictionary<char, string> Fields(string message) =>
        message.Split(',').Where(f => f.Length > 2 && f[1] == '=').ToDictionary(f => f[0], f => f[2..]);

    private byte[] Hmac(byte[] key, string text) =>
        _hash == HashAlgorithmName.SHA512
            ? HMACSHA512.HashData(key, Encoding.UTF8.GetBytes(text))
            : HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    private byte[] Hash(byte[] data) => _hash == HashAlgorithmName.SHA512 ? SHA512.HashData(data) : SHA256.HashData(data);
}
