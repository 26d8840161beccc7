using System.Text;

namespace KafkaBackup.Engine.Wire.Security;

/// <summary>PLAIN: user name and password as they are, so only over TLS in earnest.</summary>
internal sealed class PlainLogin(string user, Secret password) : SaslLogin
{
    public override string Mechanism => "PLAIN";

    public override string Proof => "the user name or the password";

    public override ValueTask<ISaslExchange> BeginAsync(string host, CancellationToken cancel) => new(new Exchange(user, password));

    private sealed class Exchange(string user, Secret password) : ISaslExchange
    {
        public ReadOnlyMemory<byte> First() => Encoding.UTF8.GetBytes($"\0{user}\0{password.Reveal()}");

        public ReadOnlyMemory<byte>? Next(ReadOnlySpan<byte> challenge) => null;

        public void Dispose() { }
    }
}
