using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using KafkaBackup.Engine.Wire.Security;

namespace KafkaBackup.Engine.Wire.Connections;

/// <summary>One TCP connection, with TLS around it or without. One reader and one writer may use it at the same time.</summary>
internal sealed class WireTransport : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly List<ArraySegment<byte>> _segments = [];

    private WireTransport(Socket socket, Stream stream, bool isTls, bool showedCertificate)
    {
        _socket = socket;
        _stream = stream;
        IsTls = isTls;
        ShowedCertificate = showedCertificate;
    }

    public bool IsTls { get; }

    /// <summary>Whether this client had a certificate to show.</summary>
    public bool ShowedCertificate { get; }

    /// <exception cref="WireException">With what went wrong; a time-out is the caller's, by its token.</exception>
    public static async Task<WireTransport> OpenAsync(WireAddress address, WireOptions options, TlsMaterial? tls, CancellationToken cancel)
    {
        var socket = await ConnectAsync(address, options, cancel).ConfigureAwait(false);
        var plain = new NetworkStream(socket, ownsSocket: true);
        if (tls is null)
        {
            return new WireTransport(socket, plain, isTls: false, showedCertificate: false);
        }

        var judgement = new TlsJudgement(options.Clock);
        var secured = new SslStream(plain, leaveInnerStreamOpen: false);
        try
        {
            await secured.AuthenticateAsClientAsync(tls.ForHost(address.Host, judgement), cancel).ConfigureAwait(false);
            return new WireTransport(socket, secured, isTls: true, tls.ShowsCertificate);
        }
        catch (Exception failed)
        {
            await secured.DisposeAsync().ConfigureAwait(false);
            if (failed is AuthenticationException or IOException or SocketException)
            {
                throw ConnectionFaults.Handshake(address, failed, judgement);
            }

            throw;
        }
    }

    public ValueTask<int> ReadAsync(Memory<byte> buffer) => _stream.ReadAsync(buffer);

    /// <summary>Sends pieces in order, as one where that is possible.</summary>
    public async ValueTask WriteAsync(IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        if (!IsTls && pieces.Count > 1 && Gather(pieces))
        {
            var sent = await _socket.SendAsync(_segments, SocketFlags.None).ConfigureAwait(false);
            var all = _segments.Sum(segment => (long)segment.Count);
            _segments.Clear();
            if (sent != all)
            {
                throw new IOException($"{sent:N0} of {all:N0} bytes were sent");
            }

            return;
        }

        foreach (var piece in pieces)
        {
            await _stream.WriteAsync(piece).ConfigureAwait(false);
        }
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    /// <summary>Ends reads and writes that are under way, without waiting for anybody.</summary>
    public void Abort() => _socket.Dispose();

    private bool Gather(IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        _segments.Clear();
        foreach (var piece in pieces)
        {
            if (!MemoryMarshal.TryGetArray(piece, out var segment))
            {
                return false;
            }

            _segments.Add(segment);
        }

        return true;
    }

    private static async Task<Socket> ConnectAsync(WireAddress address, WireOptions options, CancellationToken cancel)
    {
        IPAddress[] addresses;
        var family = options.AddressFamily switch
        {
            WireAddressFamily.V4 => AddressFamily.InterNetwork,
            WireAddressFamily.V6 => AddressFamily.InterNetworkV6,
            _ => AddressFamily.Unspecified,
        };
        try
        {
            addresses = IPAddress.TryParse(address.Host, out var literal)
                ? [literal]
                : await Dns.GetHostAddressesAsync(address.Host, family, cancel).ConfigureAwait(false);
        }
        catch (SocketException unknown)
        {
            throw ConnectionFaults.UnknownHost(address, unknown);
        }

        // A name may stand for several addresses, of which some are dead: each gets its turn.
        SocketException? refused = null;
        foreach (var candidate in addresses)
        {
            var socket = new Socket(candidate.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                Configure(socket, options);
                await socket.ConnectAsync(new IPEndPoint(candidate, address.Port), cancel).ConfigureAwait(false);
                return socket;
            }
            catch (SocketException failed)
            {
                socket.Dispose();
                refused = failed;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw refused is null ? ConnectionFaults.UnknownHost(address, null) : ConnectionFaults.Connect(address, refused);
    }

    private static void Configure(Socket socket, WireOptions options)
    {
        socket.NoDelay = options.NoDelay;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, options.KeepAlive);
        if (options.SendBufferBytes > 0)
        {
            socket.SendBufferSize = options.SendBufferBytes;
        }

        if (options.ReceiveBufferBytes > 0)
        {
            socket.ReceiveBufferSize = options.ReceiveBufferBytes;
        }
    }
}
