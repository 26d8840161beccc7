using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Backup;

/// <summary>A partition that a pump is reading.</summary>
internal sealed class PumpSlot(PartitionReading reading)
{
    public PartitionReading Reading => reading;

    public Silence Silence { get; } = new();

    public int Retries { get; set; }

    public int Refusals { get; set; }

    /// <summary>The highest position so far.</summary>
    public long Furthest { get; set; } = reading.Position;

    /// <summary>Asked for often enough: after this look it fails.</summary>
    public bool GivesUp { get; set; }

    /// <summary>When a broker first said that it does not know the partition, since it last gave something.</summary>
    public long? UnknownSince { get; set; }

    public void BeginAnew()
    {
        Retries = 0;
        UnknownSince = null;
        Silence.End();
    }

    /// <summary>Set while start and end of the log are asked for; nothing is assigned meanwhile.</summary>
    public Task<LogSituation>? Looking { get; set; }
}
