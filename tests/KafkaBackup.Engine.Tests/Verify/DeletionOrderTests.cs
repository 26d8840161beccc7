using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>Deletes run side by side, and keep what one after the other promised.</summary>
public sealed class DeletionOrderTests
{
    private const int Runs = 12;
    private const string LockKey = Id + "/lock.json";

    [Fact]
    public async Task C1_a_removal_deletes_side_by_side_heads_first_then_the_rest_the_empty_head_last()
    {
        var store = new MemoryStore();
        await WriteAsync(store, Runs);
        var watched = new WatchedStore(store, IsSegment);

        await RemoveAsync(watched).WaitAsync(TimeSpan.FromMinutes(3));

        Assert.Empty(store.Keys);
        Assert.Equal(OwnedDeletion.AtOnce, watched.MostAtOnce);
        var heads = watched.Spans.Where(s => IsHead(s.Key)).ToArray();
        var (old, empty) = (heads[..^1], heads[^1]);
        var rest = watched.Spans.Where(s => !IsHead(s.Key) && s.Key != LockKey && s.Key != $"{Id}/manifest.json").ToArray();
        var segments = rest.Where(s => IsSegment(s.Key)).ToArray();
        Assert.Equal(2 * Runs, segments.Length);
        Assert.NotEmpty(old);
        Assert.True(old.Max(s => s.End) < segments.Min(s => s.Begin), "a segment went before the heads that name it");
        Assert.True(rest.Max(s => s.End) < empty.Begin, "the empty head went before all else had gone");
        Assert.True(empty.End < watched.Spans.Single(s => s.Key == $"{Id}/manifest.json").Begin, "the copy went before the head");
    }

    [Fact]
    public async Task C1_each_of_many_deletes_side_by_side_asks_for_the_lock_itself()
    {
        var store = new MemoryStore();
        await WriteAsync(store, Runs);
        var watched = new WatchedStore(store, IsSegment) { WhenFull = () => store[LockKey] = "{}"u8.ToArray() };

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => RemoveAsync(watched).WaitAsync(TimeSpan.FromMinutes(3)));

        // Those that stood at the store when the lock went had asked while it was theirs; none came after them.
        Assert.Equal(ErrorIds.BackupLockLost, error.Definition);
        Assert.Equal(OwnedDeletion.AtOnce, watched.Begun.Count(IsSegment));
    }

    [Fact]
    public async Task C1_retired_segments_go_side_by_side_after_every_head_that_named_them()
    {
        var store = new MemoryStore();
        await WriteAsync(store, Runs);
        var watched = new WatchedStore(store, IsSegment);

        await RemoveAsync(watched, new RemoveSettings { KeepLast = 1, Force = true }).WaitAsync(TimeSpan.FromMinutes(3));

        Assert.Equal(2, store.Keys.Count(IsSegment));
        Assert.Equal(OwnedDeletion.AtOnce, watched.MostAtOnce);
        var segments = watched.Spans.Where(s => IsSegment(s.Key)).ToArray();
        Assert.True(watched.Spans.Where(s => IsHead(s.Key)).Max(s => s.End) < segments.Min(s => s.Begin));
        Assert.Empty((await CheckAsync(store)).Findings);
    }

    internal static bool IsSegment(string key) => key.EndsWith(".kbs", StringComparison.Ordinal);

    private static bool IsHead(string key) =>
        key.StartsWith(Id + "/", StringComparison.Ordinal) && BackupKeys.GenerationOf(key[(Id.Length + 1)..]) is not null;

    /// <summary>
    /// Holds the first deletes of the kind that is watched until as many stand there as may, and remembers when each began and ended.
    /// </summary>
    internal sealed class WatchedStore(IStore inner, Predicate<string> isWatched) : InterceptingStore(inner)
    {
        private readonly object _gate = new();
        private readonly TaskCompletionSource _full = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Dictionary<string, int> _begun = [];
        private readonly List<(string Key, int Begin, int End)> _spans = [];
        private int _time;
        private int _now;

        public Action WhenFull { get; init; } = () => { };

        public int MostAtOnce { get; private set; }

        public IReadOnlyCollection<string> Begun
        {
            get
            {
                lock (_gate)
                {
                    return [.. _begun.Keys];
                }
            }
        }

        /// <summary>Deletes, in the order in which they ended.</summary>
        public IReadOnlyList<(string Key, int Begin, int End)> Spans
        {
            get
            {
                lock (_gate)
                {
                    return [.. _spans];
                }
            }
        }

        protected override async ValueTask BeforeAsync(StoreCall call, string key, CancellationToken cancel)
        {
            if (call != StoreCall.Delete)
            {
                return;
            }

            lock (_gate)
            {
                _begun[key] = ++_time;
                if (!isWatched(key))
                {
                    return;
                }

                MostAtOnce = Math.Max(MostAtOnce, ++_now);
                if (_now == OwnedDeletion.AtOnce && !_full.Task.IsCompleted)
                {
                    WhenFull();
                    _full.SetResult();
                }
            }

            // Whoever stands here hears no cancellation.
            await _full.Task.ConfigureAwait(false);
            await Task.Yield();
        }

        protected override void After(StoreCall call, string key)
        {
            if (call != StoreCall.Delete)
            {
                return;
            }

            lock (_gate)
            {
                _spans.Add((key, _begun[key], ++_time));
                _now -= isWatched(key) ? 1 : 0;
            }
        }
    }
}
