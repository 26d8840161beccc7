using System.Buffers;
using System.ComponentModel;
using System.Net;
using System.Net.Security;

namespace KafkaBackup.Engine.Wire.Security;

/// <summary>
/// GSSAPI (Kerberos) through the system's own libraries. The ticket is the one that the system has for this process (kinit, a client
/// keytab, a Windows log-on), unless a user name and a password are given. No security layer is put around the messages: Kafka knows none.
/// </summary>
internal sealed class KerberosLogin(string serviceName, string? principal = null, Secret? password = null) : SaslLogin
{
    public override string Mechanism => "GSSAPI";

    public override string Proof => "the Kerberos ticket";

    public override ValueTask<ISaslExchange> BeginAsync(string host, CancellationToken cancel) => new(new Exchange(Options(host)));

    private NegotiateAuthenticationClientOptions Options(string host)
    {
        var options = new NegotiateAuthenticationClientOptions
        {
            Package = "Kerberos",
            TargetName = $"{serviceName}/{host}",
            RequireMutualAuthentication = true,
            RequiredProtectionLevel = ProtectionLevel.Sign,
        };
        if (principal is not null && password is not null)
        {
            var at = principal.LastIndexOf('@');
            options.Credential =
                at < 0
                    ? new NetworkCredential(principal, password.Reveal())
                    : new NetworkCredential(principal[..at], password.Reveal(), principal[(at + 1)..]);
        }

        return options;
    }

    private sealed class Exchange(NegotiateAuthenticationClientOptions options) : ISaslExchange
    {
        /// <summary>RFC 4752: the bit for "no security layer", in the first byte.</summary>
        private const byte NoLayer = 1;

        private readonly NegotiateAuthentication _context = new(options);
        private bool _chosen;

        public ReadOnlyMemory<byte> First() => Step([]);

        public ReadOnlyMemory<byte>? Next(ReadOnlySpan<byte> challenge)
        {
            if (_chosen)
            {
                return null;
            }

            return _context.IsAuthenticated ? ChooseLayer(challenge) : Step(challenge);
        }

        public void Dispose() => _context.Dispose();

        private byte[] Step(ReadOnlySpan<byte> challenge)
        {
            try
            {
                var token = _context.GetOutgoingBlob(challenge, out var status);
                return status is NegotiateAuthenticationStatusCode.Completed or NegotiateAuthenticationStatusCode.ContinueNeeded
                    ? token ?? []
                    : throw new SaslException($"Kerberos gives no ticket for '{options.TargetName}' ({Words(status)})");
            }
            catch (Exception unavailable)
                when (unavailable is PlatformNotSupportedException or Win32Exception or DllNotFoundException or TypeInitializationException)
            {
                throw new SaslException(
                    "Kerberos is not available on this machine: its libraries (libgssapi-krb5) are missing",
                    unavailable
                );
            }
        }

        private byte[] ChooseLayer(ReadOnlySpan<byte> challenge)
        {
            var input = challenge.ToArray();
            var status = _context.UnwrapInPlace(input, out var at, out var length, out _);
            if (status != NegotiateAuthenticationStatusCode.Completed || length != 4)
            {
                throw new SaslException($"the broker's last Kerberos message cannot be read ({Words(status)})");
            }

            if ((input[at] & NoLayer) == 0)
            {
                throw new SaslException("the broker demands a Kerberos security layer, which Kafka's protocol does not have");
            }

            var output = new ArrayBufferWriter<byte>();
            status = _context.Wrap([NoLayer, 0, 0, 0], output, requestEncryption: false, out _);
            if (status != NegotiateAuthenticationStatusCode.Completed)
            {
                throw new SaslException($"Kerberos cannot sign the last message of the login ({Words(status)})");
            }

            _chosen = true;
            return output.WrittenSpan.ToArray();
        }

        private static string Words(NegotiateAuthenticationStatusCode status) =>
            status switch
            {
                NegotiateAuthenticationStatusCode.UnknownCredentials => "there is no ticket; run kinit or give a client keytab",
                NegotiateAuthenticationStatusCode.CredentialsExpired => "the ticket has expired; run kinit again",
                NegotiateAuthenticationStatusCode.TargetUnknown => "the realm does not know the service",
                NegotiateAuthenticationStatusCode.InvalidCredentials => "the user name, the password or the ticket is wrong",
                _ => status.ToString(),
            };
    }
}
