using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing.Azure;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.Azure;

/// <summary>Faults that pass, and answers that are lost: the store gets over them, and what it then holds or reads is right.</summary>
public sealed class AzureFaultTests : ScriptedBlobTest
{
    [Theory]
    [InlineData(503, "ServerBusy")]
    [InlineData(429, "TooManyRequests")]
    [InlineData(503, "OperationTimedOut")]
    [InlineData(500, "InternalError")]
    public async Task C4_a_busy_server_is_asked_again_and_the_upload_is_whole(int status, string code)
    {
        // As patient as a busy machine needs it: how long a store asks again is not what this is about.
        var patient = Hasty with
        {
            Retry = new RetryPolicy(TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(40), TimeSpan.FromMinutes(1)),
        };
        var store = Open(Server.Settings(), patient);
        await KeysAsync(store);
        var content = Noise((3 * BlockSize) + 5);
        Server.On(_ => true, TinyBlobs.Error(status, code), times: 4);

        await UploadAsync(store, "segment", content);

        Assert.Equal(content, Server.Store.Content("backups/segment"));
        Assert.Equal(4, Retries.Count);
    }

    [Fact]
    public async Task C4_a_server_that_stays_busy_is_one_error_that_says_so()
    {
        var store = Open();
        await KeysAsync(store);
        Server.On(_ => true, TinyBlobs.Error(500, "InternalError"));

        var error = await FailsAsync(ErrorIds.StoreRead, async () => await store.FindAsync("object", default));

        Assert.True(StoreFault.IsTransient(error));
    }

    [Fact]
    public async Task C3_a_put_if_absent_whose_answer_was_lost_knows_its_own_object()
    {
        var store = Open();
        Server.On(IsPut, ScriptedAnswer.Reset(), times: 1, afterTheWork: true);

        Assert.True(await store.PutIfAbsentAsync("lock.json", Bytes("mine"), default));

        Assert.Equal(2, Server.Requests.Count(IsPut));
        Assert.All(Server.Requests.Where(IsPut), r => Assert.Equal("*", r.Header("if-none-match")));
    }

    [Fact]
    public async Task C3_a_put_if_absent_after_a_failure_never_takes_anothers_object_for_its_own()
    {
        var store = Open();
        await store.PutAsync("lock.json", Bytes("mine"), default);
        Server.On(IsPut, TinyBlobs.Error(500, "InternalError"), times: 2);

        Assert.False(await store.PutIfAbsentAsync("lock.json", Bytes("mine"), default));
    }

    [Fact]
    public async Task C3_a_commit_whose_answer_was_lost_is_done_once_more_or_known()
    {
        var store = Open();
        var content = Noise(3 * BlockSize);
        Server.On(IsCommit, ScriptedAnswer.Reset(), times: 1, afterTheWork: true);

        await UploadAsync(store, "segment", content);

        Assert.Equal(content, Server.Store.Content("backups/segment"));
    }

    [Fact]
    public async Task C3_a_failed_upload_leaves_neither_object_nor_blocks()
    {
        var store = Open();
        Server.On(r => IsCommit(r) && r.Header("x-ms-meta-kafkabackup_dropped") is null, TinyBlobs.Error(500, "InternalError"));

        await FailsAsync(ErrorIds.StoreWrite, () => UploadAsync(store, "segment", Noise(3 * BlockSize)));

        Assert.Empty(await KeysAsync(store));
        Assert.Equal(0, Server.Store.KeysWithBlocks);
    }

    [Fact]
    public async Task C3_the_mark_of_a_dropped_upload_is_no_object_and_makes_way()
    {
        var store = Open();
        var upload = await store.CreateAsync("segment", default);
        await upload.WriteAsync(Noise(BlockSize + 1), default);

        // The process dies between taking the blocks' place and removing what took it.
        Server.On(r => r.Method == "DELETE", TinyBlobs.Error(500, "InternalError"));
        await upload.DisposeAsync();
        Assert.Contains("could not be removed", Assert.Single(Warnings), StringComparison.Ordinal);
        Assert.NotNull(Server.Store.Content("backups/segment"));
        Assert.Null(await store.FindAsync("segment", default));
        Assert.Empty(await KeysAsync(store));
        await FailsAsync(ErrorIds.StoreObjectMissing, async () => await store.ReadAsync("segment", 0, new byte[1], default));

        Server.On(r => r.Method == "DELETE", r => Server.Store.Answer(ScriptedBlobServer.WithoutAccount(r)));
        Assert.True(await store.PutIfAbsentAsync("segment", Bytes("new"), default));
        Assert.Equal(Bytes("new"), Server.Store.Content("backups/segment"));
    }

    [Fact]
    public async Task C3_dropping_an_upload_that_was_committed_meanwhile_leaves_the_object()
    {
        var store = Open();
        await UploadAsync(store, "segment", Noise(3 * BlockSize));

        await store.DropUploadAsync(new StoreUpload("segment", "blocks", 0, default), default);

        Assert.Equal(3 * BlockSize, Server.Store.Content("backups/segment")!.Length);
    }

    [Fact]
    public async Task C3_a_read_that_breaks_goes_on_where_it_was()
    {
        var store = Open();
        var content = Noise(BlockSize);
        await store.PutAsync("object", content, default);
        Server.On(IsRead, r => Server.Store.Answer(ScriptedBlobServer.WithoutAccount(r)) with { CutAt = 1000 }, times: 2);

        var back = new byte[content.Length];
        Assert.Equal(content.Length, await store.ReadAsync("object", 0, back, default));

        Assert.Equal(content, back);
    }

    [Fact]
    public async Task C3_a_connection_that_breaks_within_a_block_costs_nothing()
    {
        var store = Open();
        var content = Noise(4 * BlockSize);
        Server.On(IsBlock, ScriptedAnswer.Reset(afterBodyBytes: BlockSize / 2), times: 3);

        await UploadAsync(store, "segment", content);

        Assert.Equal(content, Server.Store.Content("backups/segment"));
    }

    [Fact]
    public async Task C3_listing_goes_on_from_page_to_page()
    {
        var store = Open();
        Server.Store.PageSize = 3;
        var keys = Enumerable.Range(0, 10).Select(i => $"a/{i}").ToArray();
        foreach (var key in keys)
        {
            await store.PutAsync(key, Bytes("x"), default);
        }

        Assert.Equal(keys, await KeysAsync(store));
        Assert.Equal(["a/7"], await KeysAsync(store, "a/7"));
    }

    [Fact]
    public async Task C3_folders_of_a_hierarchical_namespace_are_no_objects_and_order_is_by_name()
    {
        var store = Open();
        Server.Store.IsHierarchical = true;
        string[] keys = ["a-b/x", "a.b", "a/b/1", "a/b/2", "a/c", "a0", "b/x"];
        foreach (var key in keys)
        {
            await store.PutAsync(key, Bytes("x"), default);
        }

        Assert.Equal(keys, await KeysAsync(store));
        Assert.Equal(["a/b/1", "a/b/2", "a/c"], await KeysAsync(store, "a/"));
        Assert.Equal(["a-b/x", "a.b", "a/b/1", "a/b/2", "a/c", "a0"], await KeysAsync(store, "a"));
    }

    [Fact]
    public async Task Q1_tiers_and_locks_go_to_segments_and_manifests_and_not_to_what_is_replaced()
    {
        var store = Open(("access_tier", "Cool"), ("manifest_access_tier", "Cold"), ("immutability_days", "2"));

        await UploadAsync(store, "b/topics/t/segment.kbs", Noise(10));
        await UploadAsync(store, "b/topics/t/large.kbs", Noise(2 * BlockSize));
        await store.PutIfAbsentAsync("b/manifest/1.json", Bytes("{}"), default);
        await store.PutIfAbsentAsync("b/lock.json", Bytes("{}"), default);

        (string?, bool) Of(string key) =>
            Server
                .Requests.Where(r => r.Path.EndsWith(key, StringComparison.Ordinal) && (IsPut(r) || IsCommit(r)))
                .Select(r => (r.Header("x-ms-access-tier"), r.Header("x-ms-immutability-policy-until-date") is not null))
                .Single();
        Assert.Equal(("Cool", true), Of("segment.kbs"));
        Assert.Equal(("Cool", true), Of("large.kbs"));
        Assert.Equal(("Cold", true), Of("1.json"));
        Assert.Equal((null, false), Of("lock.json"));
    }

    [Fact]
    public async Task Q1_an_archived_object_is_seen_in_listings_and_is_one_error_to_read()
    {
        var store = Open();
        await store.PutAsync("object", Bytes("x"), default);
        Server.Store.Archived.Add("backups/object");

        var error = await FailsAsync(ErrorIds.StoreRead, async () => await store.ReadAsync("object", 0, new byte[1], default));

        Assert.Contains("Archive tier", error.Message, StringComparison.Ordinal);
        Assert.Contains("rehydrate", error.Advice, StringComparison.Ordinal);
        Assert.True((await store.FindAsync("object", default))!.IsArchived);
        await foreach (var listed in store.ListAsync("", default))
        {
            Assert.True(listed.IsArchived);
        }

        Assert.Empty(Retries);
    }

    [Fact]
    public async Task C3_an_object_with_snapshots_is_removed_with_them()
    {
        var store = Open();
        await store.PutAsync("object", Bytes("x"), default);
        Server.On(r => r.Method == "DELETE", TinyBlobs.Error(409, "SnapshotsPresent"), times: 1);

        await store.DeleteAsync("object", default);

        Assert.Equal("include", Server.Requests.Last(r => r.Method == "DELETE").Header("x-ms-delete-snapshots"));
    }
}
