using KafkaBackup.Engine.Wire.Messages;
using KafkaBackup.Engine.Wire.Security;

namespace KafkaBackup.Engine.Wire.Connections;

/// <summary>Where a login's requests go.</summary>
internal interface ISaslChannel
{
    Task<SaslHandshakeResponse> AskAsync(SaslHandshakeRequest request, CancellationToken cancel);

    Task<SaslAuthenticateResponse> AskAsync(SaslAuthenticateRequest request, CancellationToken cancel);
}

/// <summary>One login on one connection: the choice of the mechanism, then step by step until one side has said its last word.</summary>
internal static class SaslDialogue
{
    /// <summary>No mechanism needs more; a broker that goes on and on is not one.</summary>
    private const int MostSteps = 20;

    /// <returns>After what time the broker wants to see a login again; zero for never.</returns>
    public static async Task<TimeSpan> RunAsync(
        SaslLogin login,
        WireAddress address,
        ApiRanges versions,
        ISaslChannel channel,
        CancellationToken cancel
    )
    {
        if (!versions.Knows(ApiKey.SaslHandshake) || !versions.Knows(ApiKey.SaslAuthenticate))
        {
            throw ConnectionFaults.Fault(
                WireFailure.LoginNotAsked,
                address,
                $"The broker at {address} does not know how to log in over Kafka's protocol (Kafka 1.0 and later)",
                null
            );
        }

        var handshake = await channel.AskAsync(new SaslHandshakeRequest(login.Mechanism), cancel).ConfigureAwait(false);
        if (handshake.Error != WireErrorCode.None)
        {
            throw Refused(login, address, handshake);
        }

        try
        {
            using var exchange = await login.BeginAsync(address.Host, cancel).ConfigureAwait(false);
            ReadOnlyMemory<byte>? token = exchange.First();
            for (var step = 0; step < MostSteps; step++)
            {
                var answer = await channel.AskAsync(new SaslAuthenticateRequest(token.Value), cancel).ConfigureAwait(false);
                if (answer.Error != WireErrorCode.None)
                {
                    (login as OAuthLogin)?.Forget();
                    throw Refused(login, address, answer, exchange.Objection);
                }

                token = exchange.Next(answer.Token.Span);
                if (token is null)
                {
                    return TimeSpan.FromMilliseconds(Math.Clamp(answer.SessionLifetimeMs, 0, int.MaxValue));
                }
            }
        }
        catch (SaslException failed)
        {
            throw ConnectionFaults.Fault(
                WireFailure.LoginRefused,
                address,
                $"The login at the broker at {address} with {login.Mechanism} failed: {failed.Message}",
                failed
            );
        }

        throw ConnectionFaults.Fault(
            WireFailure.LoginRefused,
            address,
            $"The login at the broker at {address} with {login.Mechanism} does not come to an end",
            null
        );
    }

    private static WireException Refused(SaslLogin login, WireAddress address, SaslHandshakeResponse handshake) =>
        handshake.Error switch
        {
            WireErrorCode.UnsupportedSaslMechanism => ConnectionFaults.Fault(
                WireFailure.MechanismNotEnabled,
                address,
                handshake.Mechanisms.Count == 0
                    ? $"The broker at {address} does not offer the SASL mechanism {login.Mechanism}"
                    : $"The broker at {address} does not offer the SASL mechanism {login.Mechanism}; it offers {Names(handshake)}",
                null
            ),
            WireErrorCode.IllegalSaslState => ConnectionFaults.Fault(
                WireFailure.LoginNotAsked,
                address,
                $"The broker at {address} does not ask for a login on this listener, but this client was told to log in",
                null
            ),
            var code => WireException.Refused(
                code,
                $"The broker at {address} refused the SASL mechanism {login.Mechanism}",
                address: address.ToString()
            ),
        };

    private static WireException Refused(SaslLogin login, WireAddress address, SaslAuthenticateResponse answer, string? objection)
    {
        var words = answer.Message is { Length: > 0 } message ? $": {message.TrimEnd('.')}" : $" ({answer.Error.KafkaName()})";
        var more = objection is null ? "" : $" ({objection})";
        return answer.Error == WireErrorCode.SaslAuthenticationFailed
            ? new WireException(
                WireFailure.LoginRefused,
                $"The broker at {address} refused {login.Proof} of this {login.Mechanism} login{words}{more}."
            )
            {
                Code = answer.Error,
                Address = address.ToString(),
            }
            : WireException.Refused(
                answer.Error,
                $"The broker at {address} broke off the {login.Mechanism} login",
                answer.Message,
                address.ToString()
            );
    }

    private static string Names(SaslHandshakeResponse handshake) => string.Join(", ", handshake.Mechanisms);
}
