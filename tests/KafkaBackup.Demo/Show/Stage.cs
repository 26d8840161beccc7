using KafkaBackup.Engine;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Demo.Show;

/// <summary>What all acts share: the broker, the producer, the engine, a store in a temporary folder, and the names of things.</summary>
internal sealed class Stage : IAsyncDisposable
{
    public const string Topic = "orders";
    public const string RestoredTopic = "orders-restored";
    public const string Group = "billing";
    public const string BackupId = "demo";
    public const int Partitions = 3;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kafkabackup-demo-");

    public Stage(TextWriter writer)
    {
        Screen = new Screen(writer);
        Broker = LocalCluster.Start();
        Broker.CreateTopic(Topic, Partitions);
        Producer = new LiveProducer(Broker.BootstrapServers, Topic, Partitions);
        Engine = new KafkaEngine(new ScreenEvents(Screen), _folder.FullName);
    }

    public Screen Screen { get; }

    public ProofList Proofs { get; } = new();

    public LocalCluster Broker { get; }

    public LiveProducer Producer { get; }

    public KafkaEngine Engine { get; }

    public ClusterSettings Cluster => new() { BootstrapServers = [Broker.BootstrapServers] };

    public StoreSettings Store => StoreAt("store");

    /// <summary>How far each partition is backed up: the exclusive ends of the newest run.</summary>
    public IReadOnlyDictionary<int, long> BackedUpTo { get; set; } = new Dictionary<int, long>();

    public StoreSettings StoreAt(string name) => new() { Path = Path.Combine(_folder.FullName, name) };

    /// <summary>What the producer committed in the backed-up range of a partition.</summary>
    public IReadOnlyList<Ledger.Entry> Expected(int partition) => Producer.Ledger.Range(partition, 0, BackedUpTo[partition]);

    public async ValueTask DisposeAsync()
    {
        await Producer.DisposeAsync();
        await Broker.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
