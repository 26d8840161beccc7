using System.Buffers;
using System.Net.Security;

namespace KafkaBackup.LocalBroker.Security;

/// <summary>
/// The server's side of GSSAPI (RFC 4752), with the keytab that KRB5_KTNAME names. It offers no security layer, as Kafka does.
/// </summary>
internal sealed class GssapiExchange : IDisposable
{
    private readonly NegotiateAuthentication _context = new(
        new NegotiateAuthenticationServerOptions { Package = "Kerberos", RequiredProtectionLevel = ProtectionLevel.Sign }
    );
    private bool _offered;

    /// <summary>The answer to a client message, null for a refusal; the user once proven.</summary>
    public (byte[]? Reply, string? User) Step(ReadOnlySpan<byte> message)
    {
        if (!_context.IsAuthenticated)
        {
            var reply = _context.GetOutgoingBlob(message, out var status);
            return status is NegotiateAuthenticationStatusCode.Completed or NegotiateAuthenticationStatusCode.ContinueNeeded
                ? (reply ?? [], null)
                : (null, null);
        }

        if (!_offered)
        {
            _offered = true;
            var offer = new ArrayBufferWriter<byte>();
            return _context.Wrap([1, 0, 0, 0], offer, requestEncryption: false, out _) == NegotiateAuthenticationStatusCode.Completed
                ? (offer.WrittenSpan.ToArray(), null)
                : (null, null);
        }

        var input = message.ToArray();
        var chosen =
            _context.UnwrapInPlace(input, out var at, out var length, out _) == NegotiateAuthenticationStatusCode.Completed
            && length >= 4
            && input[at] == 1;
        return chosen ? ([], _context.RemoteIdentity.Name) : (null, null);
    }

    public void Dispose() => _context.Dispose();
}
