using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;

namespace KafkaBackup.Engine.Tests.Storage;

/// <summary>Repeating, refusing, counting; and that the doubles which fail on demand really do.</summary>
public sealed class StoreDecoratorTests
{
    [Theory]
    [InlineData(StoreCall.Find)]
    [InlineData(StoreCall.List)]
    [InlineData(StoreCall.ListFolders)]
    [InlineData(StoreCall.Read)]
    [InlineData(StoreCall.Create)]
    [InlineData(StoreCall.Put)]
    [InlineData(StoreCall.PutIfAbsent)]
    [InlineData(StoreCall.Delete)]
    [InlineData(StoreCall.ListUploads)]
    [InlineData(StoreCall.DropUpload)]
    [InlineData(StoreCall.Clock)]
    public async Task C4_a_passing_error_is_retried_whatever_the_call(StoreCall call)
    {
        var (clock, faulty, store, notices) = Make();
        faulty.FailBefore(call, FaultyStore.Passing(), times: 3);

        await clock.RunAsync(CallAsync(store, call), TimeSpan.FromSeconds(1));

        faulty.AssertAllExercised();
        Assert.Equal([1, 2, 3], notices.Select(n => n.Attempt));
    }

    [Theory]
    [InlineData(StoreCall.Find)]
    [InlineData(StoreCall.List)]
    [InlineData(StoreCall.Read)]
    [InlineData(StoreCall.Put)]
    [InlineData(StoreCall.PutIfAbsent)]
    [InlineData(StoreCall.Delete)]
    public async Task C4_denied_access_and_a_full_disk_are_not_retried(StoreCall call)
    {
        foreach (
            var error in (KafkaBackupException[])
                [ErrorIds.StoreAccessDenied.With("denied"), ErrorIds.StoreFull.With("full"), ErrorIds.StoreWrite.With("broken")]
        )
        {
            var (_, faulty, store, notices) = Make();
            faulty.FailBefore(call, error);

            Assert.Same(error, await Assert.ThrowsAsync<KafkaBackupException>(() => CallAsync(store, call)));
            Assert.Empty(notices);
        }
    }

    [Fact]
    public async Task C4_the_budget_ends_retrying_with_the_stores_own_error()
    {
        var (clock, faulty, store, notices) = Make();
        var error = FaultyStore.Passing();
        faulty.FailBefore(StoreCall.Find, error, times: 1000);
        var begin = clock.GetUtcNow();

        var thrown = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            clock.RunAsync(CallAsync(store, StoreCall.Find), TimeSpan.FromMilliseconds(500))
        );

        Assert.Same(error, thrown);
        Assert.InRange(clock.GetUtcNow() - begin, TimeSpan.FromSeconds(100), TimeSpan.FromSeconds(150));
        Assert.InRange(notices.Count, 10, 30);
    }

    [Fact]
    public void C4_delays_grow_with_jitter_up_to_a_limit()
    {
        var policy = new RetryPolicy(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(2));

        Assert.Equal(TimeSpan.FromMilliseconds(100), policy.DelayBefore(1, 0));
        Assert.Equal(TimeSpan.FromMilliseconds(150), policy.DelayBefore(1, 0.5));
        Assert.Equal(TimeSpan.FromMilliseconds(800), policy.DelayBefore(4, 0));
        Assert.Equal(TimeSpan.FromSeconds(5), policy.DelayBefore(7, 0));
        Assert.Equal(TimeSpan.FromSeconds(7.5), policy.DelayBefore(10_000, 0.5));
    }

    [Fact]
    public async Task C4_cancelling_ends_a_wait_at_once()
    {
        var (_, faulty, store, _) = Make();
        faulty.FailBefore(StoreCall.Find, FaultyStore.Passing(), times: 1000);
        using var cancel = new CancellationTokenSource();
        var call = store.FindAsync("a", cancel.Token).AsTask();
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Fact]
    public async Task C4_a_listing_that_breaks_off_goes_on_where_it_was_without_repeating()
    {
        var clock = new ManualClock();
        var inner = new MemoryStore();
        foreach (var i in Enumerable.Range(0, 10))
        {
            inner[$"k/{i}"] = [];
        }

        var store = new RetryingStore(new BreakingLister(inner, after: 4, times: 2), RetryPolicy.Default, clock, () => 0.5);
        var keys = new List<string>();
        await clock.RunAsync(Collect(), TimeSpan.FromSeconds(1));

        Assert.Equal(inner.Keys, keys);

        async Task Collect()
        {
            await foreach (var item in store.ListAsync("k/", default))
            {
                keys.Add(item.Key);
            }
        }
    }

    [Fact]
    public async Task C4_a_put_if_absent_that_won_but_lost_the_answer_is_a_win()
    {
        var (clock, faulty, store, _) = Make();
        faulty.FailAfter(StoreCall.PutIfAbsent, FaultyStore.Passing());

        var won = store.PutIfAbsentAsync("new", new byte[] { 1, 2 }, default).AsTask();
        await clock.RunAsync(won, TimeSpan.FromSeconds(1));

        Assert.True(await won);
        Assert.False(await store.PutIfAbsentAsync("new", new byte[] { 1, 2 }, default));
        faulty.AssertAllExercised();
    }

    [Fact]
    public async Task C4_a_put_if_absent_that_failed_and_then_met_anothers_object_is_a_loss()
    {
        var (clock, faulty, store, _) = Make();
        faulty.FailBefore(StoreCall.PutIfAbsent, FaultyStore.Passing());
        await faulty.PutAsync("taken", new byte[] { 9 }, default);

        var won = store.PutIfAbsentAsync("taken", new byte[] { 1, 2 }, default).AsTask();
        await clock.RunAsync(won, TimeSpan.FromSeconds(1));

        Assert.False(await won);
    }

    [Fact]
    public async Task H1_a_read_only_store_reads_and_refuses_every_write()
    {
        var memory = new MemoryStore();
        memory["a"] = [1];
        var store = new ReadOnlyStore(memory, TimeProvider.System);

        Assert.Equal(1, await store.ReadAsync("a", 0, new byte[5], default));
        foreach (
            var write in (Func<Task>[])
                [
                    async () => await store.PutAsync("b", default, default),
                    async () => await store.PutIfAbsentAsync("b", default, default),
                    async () => await store.CreateAsync("b", default),
                    async () => await store.DeleteAsync("a", default),
                    async () => await store.DropUploadAsync(new StoreUpload("b", "b", 0, default), default),
                ]
        )
        {
            await Assert.ThrowsAsync<KafkaBackupException>(write);
        }

        Assert.Equal(["a"], memory.Keys);
    }

    [Fact]
    public async Task C3_counting_counts_calls_and_bytes()
    {
        await using var store = new CountingStore(new MemoryStore());
        await store.PutAsync("a", new byte[10], default);
        await store.PutIfAbsentAsync("a", new byte[10], default);
        await store.ReadAsync("a", 4, new byte[100], default);
        await using (var upload = await store.CreateAsync("b", default))
        {
            await upload.WriteAsync(new byte[7], default);
            await upload.CommitAsync(default);
        }

        await store.FindAsync("a", default);
        await store.DeleteAsync("a", default);
        await foreach (var _ in store.ListAsync("", default)) { }

        Assert.Equal(new StoreCounts(1, 1, 1, 1, 2, 1, 6, 17), store.Counts);
    }

    [Fact]
    public async Task C3_the_faulty_store_tears_hangs_and_tells_what_it_never_met()
    {
        var memory = new MemoryStore();
        var store = new FaultyStore(memory)
            .TearWrite(ErrorIds.StoreWrite.With("torn"))
            .Hang(StoreCall.Read)
            .FailBefore(StoreCall.Delete, ErrorIds.StoreFull.With("full"), nth: 2);
        await using (var upload = await store.CreateAsync("torn", default))
        {
            await Assert.ThrowsAsync<KafkaBackupException>(async () => await upload.WriteAsync(new byte[10], default));
        }

        using var cancel = new CancellationTokenSource(50);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.ReadAsync("torn", 0, new byte[1], cancel.Token));
        await store.DeleteAsync("x", default);

        Assert.Empty(memory.Keys);
        Assert.Throws<InvalidOperationException>(store.AssertAllExercised);
        await Assert.ThrowsAsync<KafkaBackupException>(async () => await store.DeleteAsync("x", default));
        store.AssertAllExercised();
    }

    [Fact]
    public async Task C1_a_dead_process_commits_nothing_and_cleans_nothing_up()
    {
        var memory = new MemoryStore();
        var store = new CrashStore(memory, dieAt: 3, CrashMoment.BeforeCall);
        await using (var upload = await store.CreateAsync("a", default))
        {
            await upload.WriteAsync(new byte[10], default);
            await Assert.ThrowsAsync<ProcessDiedException>(async () => await upload.CommitAsync(default));
        }

        await Assert.ThrowsAsync<ProcessDiedException>(async () => await store.FindAsync("a", default));
        Assert.Empty(memory.Keys);
        var left = 0;
        await foreach (var _ in memory.ListUploadsAsync("", default))
        {
            left++;
        }

        Assert.Equal(1, left);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    public void A1_a_store_without_a_path_is_refused(string path) =>
        AssertRefused(ErrorIds.MissingSettings, new StoreSettings { Path = path });

    [Fact]
    public void A1_paths_that_are_no_store_are_refused()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "file");
        File.WriteAllText(file, "");

        AssertRefused(ErrorIds.InvalidPath, new StoreSettings { Path = file });
        AssertRefused(ErrorIds.InvalidPath, new StoreSettings { Path = "ftp://host/folder" });
        AssertRefused(ErrorIds.InvalidPath, new StoreSettings { Path = "relative/folder" });
        AssertRefused(
            ErrorIds.StoreConfiguration,
            new StoreSettings
            {
                Path = folder.Path,
                Options = new Dictionary<string, string> { ["region"] = "eu" },
            }
        );
    }

    private static void AssertRefused(ErrorDefinition expected, StoreSettings settings)
    {
        void Open() => StoreBackends.Known.Open(settings, TimeProvider.System);
        Assert.Equal(expected.Id, Assert.Throws<KafkaBackupException>(Open).ErrorId);
    }

    private static (ManualClock Clock, FaultyStore Faulty, RetryingStore Store, List<RetryNotice> Notices) Make()
    {
        var clock = new ManualClock();
        var memory = new MemoryStore();
        memory["a"] = [1];
        var faulty = new FaultyStore(memory);
        var notices = new List<RetryNotice>();
        return (clock, faulty, new RetryingStore(faulty, RetryPolicy.Default, clock, () => 0.5, notices.Add), notices);
    }

    private static async Task CallAsync(RetryingStore store, StoreCall call)
    {
        switch (call)
        {
            case StoreCall.Find:
                Assert.NotNull(await store.FindAsync("a", default));
                break;
            case StoreCall.Read:
                Assert.Equal(1, await store.ReadAsync("a", 0, new byte[2], default));
                break;
            case StoreCall.Create:
                await (await store.CreateAsync("c", default)).DisposeAsync();
                break;
            case StoreCall.Put:
                await store.PutAsync("b", new byte[1], default);
                Assert.NotNull(await store.FindAsync("b", default));
                break;
            case StoreCall.PutIfAbsent:
                Assert.True(await store.PutIfAbsentAsync("b", new byte[1], default));
                break;
            case StoreCall.Delete:
                await store.DeleteAsync("a", default);
                Assert.Null(await store.FindAsync("a", default));
                break;
            case StoreCall.DropUpload:
                await store.DropUploadAsync(new StoreUpload("a", "a", 0, default), default);
                break;
            case StoreCall.Clock:
                await store.GetClockAsync(default);
                break;
            case StoreCall.List:
                Assert.Equal(1, await CountAsync(store.ListAsync("", default)));
                break;
            case StoreCall.ListFolders:
                Assert.Equal(0, await CountAsync(store.ListFoldersAsync("", default)));
                break;
            case StoreCall.ListUploads:
                Assert.Equal(0, await CountAsync(store.ListUploadsAsync("", default)));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(call));
        }
    }

    private static async Task<int> CountAsync<T>(IAsyncEnumerable<T> items)
    {
        var count = 0;
        await foreach (var _ in items)
        {
            count++;
        }

        return count;
    }

    /// <summary>A listing that fails in its middle.</summary>
    private sealed class BreakingLister(IStore inner, int after, int times) : ForwardingStore(inner)
    {
        private int _left = times;

        public override async IAsyncEnumerable<StoreObject> ListAsync(
            string prefix,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel
        )
        {
            var count = 0;
            await foreach (var item in Inner.ListAsync(prefix, cancel))
            {
                if (count++ == after && _left-- > 0)
                {
                    throw FaultyStore.Passing();
                }

                yield return item;
            }
        }
    }
}
