using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Testing.Storage;

/// <summary>
/// Fails as told: the n-th call of a kind, before or after its effect, with any error, or hangs until cancelled, or tears a write. A test
/// ends with <see cref="AssertAllExercised"/>, so that a fault which was never met does not look like a passed test.
/// </summary>
public sealed class FaultyStore(IStore inner) : InterceptingStore(inner)
{
    private readonly object _gate = new();
    private readonly List<Fault> _faults = [];
    private readonly List<(StoreCall Call, string Key)> _calls = [];

    /// <summary>Calls under way that will fail once their work is done.</summary>
    private readonly List<(StoreCall Call, string Key, Fault Fault)> _pending = [];

    private enum Moment
    {
        Before,
        After,
        Hang,
        Torn,
    }

    /// <summary>All calls so far, refused ones too.</summary>
    public IReadOnlyList<(StoreCall Call, string Key)> Calls
    {
        get
        {
            lock (_gate)
            {
                return [.. _calls];
            }
        }
    }

    public static KafkaBackupException Passing(string message = "The store is busy.") =>
        ErrorIds.StoreUnavailable.With(message).AsTransient();

    /// <summary>The n-th such call (from now on, first is 1) throws without having done anything.</summary>
    public FaultyStore FailBefore(StoreCall call, Exception error, int nth = 1, int times = 1, Predicate<string>? key = null) =>
        Add(new Fault(call, Moment.Before, error, nth, times, key));

    /// <summary>The call does its work, and then throws: a lost answer.</summary>
    public FaultyStore FailAfter(StoreCall call, Exception error, int nth = 1, int times = 1, Predicate<string>? key = null) =>
        Add(new Fault(call, Moment.After, error, nth, times, key));

    /// <summary>The call waits until it is cancelled, without having done anything.</summary>
    public FaultyStore Hang(StoreCall call, int nth = 1, Predicate<string>? key = null) =>
        Add(new Fault(call, Moment.Hang, null, nth, 1, key));

    /// <summary>Half of an upload's n-th write arrives, then it throws.</summary>
    public FaultyStore TearWrite(Exception error, int nth = 1, Predicate<string>? key = null) =>
        Add(new Fault(StoreCall.Write, Moment.Torn, error, nth, 1, key));

    public void AssertAllExercised()
    {
        lock (_gate)
        {
            if (_faults.Where(f => f.Remaining > 0).ToList() is { Count: > 0 } left)
            {
                throw new InvalidOperationException(
                    $"Never met: {string.Join(", ", left.Select(f => $"{f.Moment} {f.Call} ({f.Remaining} of {f.Times} left)"))}"
                );
            }
        }
    }

    protected override async ValueTask BeforeAsync(StoreCall call, string key, CancellationToken cancel)
    {
        Fault? now = null;
        lock (_gate)
        {
            _calls.Add((call, key));
            foreach (var fault in _faults.Where(f => f.Meets(call, key)))
            {
                if (fault.Moment is Moment.Before or Moment.Hang)
                {
                    now ??= fault;
                }
                else
                {
                    _pending.Add((call, key, fault));
                }
            }
        }

        if (now is { Moment: Moment.Hang })
        {
            await Task.Delay(Timeout.Infinite, cancel).ConfigureAwait(false);
        }

        if (now is { Error: { } error })
        {
            throw error;
        }
    }

    protected override void After(StoreCall call, string key)
    {
        lock (_gate)
        {
            var place = _pending.FindIndex(p => p.Call == call && p.Key == key);
            if (place >= 0)
            {
                var error = _pending[place].Fault.Error!;
                _pending.RemoveAt(place);
                throw error;
            }
        }
    }

    protected override int Torn(string key, int length)
    {
        lock (_gate)
        {
            return _pending.Any(p => p.Key == key && p.Fault.Moment == Moment.Torn) ? length / 2 : length;
        }
    }

    private FaultyStore Add(Fault fault)
    {
        lock (_gate)
        {
            _faults.Add(fault);
        }

        return this;
    }

    private sealed class Fault(StoreCall call, Moment moment, Exception? error, int nth, int times, Predicate<string>? key)
    {
        private int _seen;

        public StoreCall Call => call;

        public Moment Moment => moment;

        public Exception? Error => error;

        public int Times { get; } = times;

        public int Remaining { get; private set; } = times;

        /// <summary>Counts the call if it is of the fault's kind; true when the fault strikes it.</summary>
        public bool Meets(StoreCall seenCall, string seenKey)
        {
            if (seenCall != call || (key is not null && !key(seenKey)))
            {
                return false;
            }

            var strikes = ++_seen >= nth && Remaining > 0;
            Remaining -= strikes ? 1 : 0;
            return strikes;
        }
    }
}
