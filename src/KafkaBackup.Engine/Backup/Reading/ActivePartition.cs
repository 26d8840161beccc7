using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Backup;

/// <summary>A partition that a pump is reading.</summary>
internal sealed class ActivePartition(PartitionReading reading)
{
    private long _furthest = reading.Position;

    public PartitionReading Reading => reading;

    public Silence Silence { get; } = new();

    /// <summary>How often <see cref="Silence"/> was a stall since something was last given.</summary>
    public int Stalls { get; set; }

    /// <summary>How often the position was refused since something was last given.</summary>
    public int Refusals { get; set; }

    /// <summary>The newest answer says that the log ends before the captured end.</summary>
    public bool EndsShort { get; private set; }

    /// <summary>When a broker first said that it does not know the partition, since it last gave something.</summary>
    public long? UnknownSince { get; set; }

    /// <summary>Set while it is found out what became of the log; nothing is assigned meanwhile.</summary>
    public Task<LogSituation>? Looking { get; set; }

    /// <summary>What an answer says of the log (rule L4). Past aborted records, which nobody hands out, it gets on too.</summary>
    public void Note(in LogFacts facts)
    {
        EndsShort = facts.HighWatermark >= 0 && facts.HighWatermark < reading.Work.CountTo;
        if (facts.Position > _furthest)
        {
            _furthest = facts.Position;
            reading.Moved = true;
        }

        reading.OnPosition(facts.Position);
    }

    /// <summary>Whether something has come since the last call; then it has all its time again.</summary>
    public bool TakeMoved()
    {
        if (!reading.Moved)
        {
            return false;
        }

        reading.Moved = false;
        (Stalls, Refusals, UnknownSince) = (0, 0, null);
        Silence.End();
        return true;
    }
}
