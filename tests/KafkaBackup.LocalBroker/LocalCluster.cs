using System.Collections.Concurrent;
using System.Collections.Immutable;
using KafkaBackup.LocalBroker.Control;
using KafkaBackup.LocalBroker.Groups;
using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Security;
using KafkaBackup.LocalBroker.Topics;
using KafkaBackup.LocalBroker.Transactions;

namespace KafkaBackup.LocalBroker;

/// <summary>
/// A Kafka cluster in this process: real sockets on the loopback interface, one store behind all brokers. It is a double, for
/// tests and demonstrations. This part starts and stops it; the other parts change topics and brokers from behind.
/// </summary>
public sealed partial class LocalCluster : IAsyncDisposable, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentQueue<Exception> _unexpected = new();
    private readonly string _directory;
    private readonly ImmutableSortedDictionary<int, BrokerNode> _brokers;
    private readonly Task _housekeeping;
    private readonly ControlPort? _control;
    private int _connections;
    private int _disposed;

    private LocalCluster(LocalClusterOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Brokers, 1);
        Options = options;
        var root = options.DataDirectory ?? Path.GetTempPath();
        _directory = Path.Combine(root, "kafkabackup-local-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(_directory);
        Certificates = options.Tls
            ? CertificateSet.Create(Path.Combine(_directory, "tls"), options.Clock.GetUtcNow(), options.CertificateName)
            : null;
        Tls = new TlsGate(Certificates, options.RequireClientCertificate);
        Topics = new TopicStore(Path.Combine(_directory, "logs"), () => AliveBrokers);
        Groups = new GroupCoordinator(options);
        Transactions = new TransactionCoordinator(this);
        Dispatcher = new Dispatcher(this);
        _brokers = Enumerable
            .Range(1, options.Brokers)
            .ToImmutableSortedDictionary(id => id, id => new BrokerNode(this, id, options.Port == 0 ? 0 : options.Port + id - 1));
        foreach (var broker in _brokers.Values)
            broker.Start();
        _housekeeping = Task.Run(KeepHouse);
        _control = options.ControlPort < 0 ? null : new ControlPort(this, options.ControlPort);
    }

    public LocalClusterOptions Options { get; }

    /// <summary>For <c>bootstrap.servers</c>: all brokers, stopped ones too.</summary>
    public string BootstrapServers => string.Join(',', _brokers.Values.Select(b => b.Address));

    public string ClusterId => Options.ClusterId;

    /// <summary>Where the control port listens; null without one.</summary>
    public string? ControlAddress => _control?.Address;

    /// <summary>What clients asked so far.</summary>
    public RequestLog Requests { get; } = new();

    /// <summary>What a quota makes each client wait after a produce request; the client does the waiting.</summary>
    public TimeSpan ProduceThrottle { get; set; }

    /// <summary>What goes wrong on purpose.</summary>
    public FaultSet Faults { get; } = new();

    /// <summary>With TLS: where the certificates lie.</summary>
    public CertificateSet? Certificates { get; }

    /// <summary>Requests this broker could not read, and defects of its own. Empty in a healthy test.</summary>
    public IReadOnlyList<Exception> UnexpectedErrors => [.. _unexpected];

    internal TimeProvider Clock => Options.Clock;

    internal long Now => Clock.GetUtcNow().ToUnixTimeMilliseconds();

    internal CancellationToken Stopping => _stopping.Token;

    internal Dispatcher Dispatcher { get; }

    internal TopicStore Topics { get; }

    internal GroupCoordinator Groups { get; }

    internal TransactionCoordinator Transactions { get; }

    internal TlsGate Tls { get; }

    internal Denials Denials { get; } = new();

    public static LocalCluster Start(LocalClusterOptions? options = null) => new(options ?? new LocalClusterOptions());

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await _stopping.CancelAsync().ConfigureAwait(false);
        if (_control is not null)
            await _control.DisposeAsync().ConfigureAwait(false);
        await _housekeeping.ConfigureAwait(false);
        foreach (var broker in _brokers.Values)
            await broker.DisposeAsync().ConfigureAwait(false);
        Topics.Dispose();
        Certificates?.Dispose();
        Directory.Delete(_directory, recursive: true);
        _stopping.Dispose();
    }

    internal int NextConnectionId() => Interlocked.Increment(ref _connections);

    internal void Report(Exception e) => _unexpected.Enqueue(e);

    private async Task KeepHouse()
    {
        using var timer = new PeriodicTimer(Options.HousekeepingInterval);
        try
        {
            while (await timer.WaitForNextTickAsync(Stopping).ConfigureAwait(false))
            {
                Transactions.AbortExpired(Now);
                Groups.KeepHouse();
            }
        }
        catch (OperationCanceledException)
        {
            // The cluster is stopping.
        }
    }
}
