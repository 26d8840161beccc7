namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// For how long a partition has delivered nothing, and how much of that is a quota's doing. Brokers before Kafka 2.6 answer a user whose
/// quota is used up with nothing, time after time, as long as a fetch asks for more than the quota allows within its window of some
/// seconds: then less has to be asked for.
/// </summary>
internal sealed class Silence
{
    /// <summary>
    /// Without any progress for this long a partition is requested again; leader elections and broker restarts take up to a minute.
    /// </summary>
    public static readonly TimeSpan Stall = TimeSpan.FromSeconds(20);

    /// <summary>
    /// A quota excuses no more than that, or a partition that nobody leads would be waited for as long as another one is throttled.
    /// </summary>
    private static readonly TimeSpan LongestExcuse = TimeSpan.FromMinutes(5);

    /// <summary>
    /// A poll waits some milliseconds; one that took longer was held up by our own side, by a store that is slow or whoever takes the
    /// records: no partition's fault. (What a partition gives while others have their turn counts in full.)
    /// </summary>
    private static readonly TimeSpan LongestPoll = TimeSpan.FromMilliseconds(100);

    private TimeSpan _own;
    private TimeSpan _heldBack;

    public bool IsStall => _own > Stall;

    /// <summary>
    /// Less is asked for after each further time of this length; a quota that lets something through in between ends the silence.
    /// </summary>
    /// <param name="times">How often it was done already.</param>
    public bool AsksTooMuch(int times) => _heldBack > Stall * (times + 1);

    /// <param name="poll">How long a poll took that gave nothing.</param>
    public void Add(TimeSpan poll, bool isHeldBack)
    {
        var idle = poll < LongestPoll ? poll : LongestPoll;
        if (isHeldBack && _heldBack < LongestExcuse)
        {
            _heldBack += idle;
        }
        else
        {
            _own += idle;
        }
    }

    /// <summary>The partition is requested again, which gets its own time.</summary>
    public void AskedAnew() => _own = TimeSpan.Zero;

    /// <summary>Something was given.</summary>
    public void End() => (_own, _heldBack) = (TimeSpan.Zero, TimeSpan.Zero);
}
