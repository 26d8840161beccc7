using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>Faults that pass: the store gets over them, and what it then holds or reads is right.</summary>
public sealed class S3FaultTests : ScriptedS3Test
{
    [Fact]
    public async Task C5_an_error_in_a_200_at_the_end_of_an_upload_is_an_error_and_is_tried_again()
    {
        Server.On(r => r.IsComplete, ScriptedAnswer.Error(200, "InternalError"), times: 2);
        var content = Noise(3 * PartSize);
        var store = Open();

        await UploadAsync(store, "segment", content);

        Assert.Equal(content, Server.Store.Content("backups/segment"));
        Assert.Equal(3, Server.Requests.Count(r => r.IsComplete));
    }

    [Fact]
    public async Task C5_an_error_in_a_200_that_stays_fails_the_commit_and_leaves_nothing()
    {
        Server.On(r => r.IsComplete, ScriptedAnswer.Error(200, "InternalError"));
        var store = Open();

        var error = await FailsAsync(ErrorIds.StoreWrite, () => UploadAsync(store, "segment", Noise(3 * PartSize)));

        Assert.True(StoreFault.IsTransient(error));
        Assert.Empty(await KeysAsync(store));
        Assert.Equal(0, Server.Store.OpenUploads);
    }

    [Fact]
    public async Task C5_success_without_an_etag_counts_only_if_the_object_is_there()
    {
        Server.On(r => r.IsComplete, ScriptedAnswer.Xml("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>"), times: 1);
        var store = Open();

        await UploadAsync(store, "segment", Noise(3 * PartSize));

        Assert.Equal(3 * PartSize, Server.Store.Content("backups/segment")!.Length);
        Assert.Equal(2, Server.Requests.Count(r => r.IsComplete));
    }

    [Fact]
    public async Task C5_a_commit_whose_answer_was_lost_is_recognised_as_done()
    {
        Server.On(r => r.IsComplete, ScriptedAnswer.Reset(), times: 1, afterTheWork: true);
        var content = Noise(2 * PartSize + 5);
        var store = Open();

        await UploadAsync(store, "segment", content);

        Assert.Equal(content, await ReadAsync(store, "segment", content.Length + 1));
    }

    [Fact]
    public async Task C5_an_upload_that_somebody_aborted_fails_its_commit()
    {
        Server.On(r => r.IsComplete, ScriptedAnswer.Error(404, "NoSuchUpload"));
        var store = Open();

        await FailsAsync(ErrorIds.StoreWrite, () => UploadAsync(store, "segment", Noise(2 * PartSize)));

        Assert.Empty(await KeysAsync(store));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(PartSize / 2)]
    public async Task C4_a_part_that_a_reset_cuts_is_sent_again(int afterBytes)
    {
        Server.On(r => r.IsPart && r.Query["partNumber"] == "2", ScriptedAnswer.Reset(afterBytes), times: 3);
        var content = Noise(4 * PartSize);
        var store = Open();

        await UploadAsync(store, "segment", content);

        Assert.Equal(content, Server.Store.Content("backups/segment"));
        Assert.Contains(Retries, r => r.Operation.Contains("segment", StringComparison.Ordinal));
    }

    [Fact]
    public async Task C5_a_part_without_an_etag_is_sent_again()
    {
        Server.On(r => r.IsPart, ScriptedAnswer.Empty(), times: 2);
        var content = Noise(3 * PartSize);
        var store = Open();

        await UploadAsync(store, "segment", content);

        Assert.Equal(content, Server.Store.Content("backups/segment"));
    }

    [Fact]
    public async Task C5_a_part_that_is_refused_for_good_stops_the_upload_and_aborts_it()
    {
        Server.On(r => r.IsPart && r.Query["partNumber"] == "3", ScriptedAnswer.Error(403, "AccessDenied"));
        var store = Open();
        var upload = await store.CreateAsync("segment", default);
        await FailsAsync(
            ErrorIds.StoreAccessDenied,
            async () =>
            {
                for (var i = 0; i < 1000; i++)
                {
                    await upload.WriteAsync(Noise(PartSize), default);
                }
            }
        );
        await FailsAsync(ErrorIds.StoreAccessDenied, async () => await upload.CommitAsync(default));
        await upload.DisposeAsync();

        Assert.Equal(0, Server.Store.OpenUploads);
        Assert.Equal(1, Server.Requests.Count(r => r.IsAbort));
        Assert.Empty(await KeysAsync(store));
    }

    [Fact]
    public async Task C5_an_abort_that_fails_is_told_and_does_not_hide_what_went_before()
    {
        Server.On(r => r.IsAbort, ScriptedAnswer.Error(403, "AccessDenied"));
        var store = Open();
        var upload = await store.CreateAsync("segment", default);
        await upload.WriteAsync(Noise(3 * PartSize), default);

        await upload.DisposeAsync();

        Assert.Contains("could not be removed", Assert.Single(Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5000)]
    public async Task C4_a_body_that_ends_early_is_noticed_and_only_the_rest_is_asked_for(int cutAt)
    {
        var content = Noise(10_000);
        var store = Open();
        await store.PutAsync("object", content, default);
        Server.On(r => r.IsRead, r => Server.Store.Answer(r) with { CutAt = cutAt }, times: 1);

        Assert.Equal(content, await ReadAsync(store, "object", 20_000));

        Assert.Equal(["bytes=0-19999", $"bytes={cutAt}-19999"], Server.Requests.Where(r => r.IsRead).Select(r => r.Header("range")));
    }

    [Fact]
    public async Task C4_a_short_body_that_calls_itself_whole_is_noticed()
    {
        var content = Noise(1000);
        var store = Open();
        await store.PutAsync("object", content, default);
        Server.On(r => r.IsRead, _ => new ScriptedAnswer(206, content[..10], ("Content-Range", "bytes 0-999/1000")), times: 1);
        Server.On(r => r.IsRead, _ => new ScriptedAnswer(206, content[..10], ("Content-Range", "bytes 0-9/1000")), times: 1);
        Server.On(r => r.IsRead, _ => new ScriptedAnswer(206, content[5..15], ("Content-Range", "bytes 5-14/1000")), times: 1);

        Assert.Equal(content, await ReadAsync(store, "object", 1000));
        Assert.True(Retries.Count >= 3);
    }

    [Fact]
    public async Task C5_a_server_that_ignores_ranges_is_refused_where_that_matters()
    {
        var content = Noise(1000);
        var store = Open();
        await store.PutAsync("object", content, default);
        Server.On(r => r.IsRead, new ScriptedAnswer(200, content, ("ETag", "\"object\"")));

        Assert.Equal(content[..100], await ReadAsync(store, "object", 100));
        await FailsAsync(ErrorIds.StoreConfiguration, async () => await store.ReadAsync("object", 10, new byte[10], default));
    }

    [Fact]
    public async Task C4_a_storm_of_slow_down_slows_down_and_does_not_fail()
    {
        var store = Open(Hasty with { Retry = Hasty.Retry with { Budget = TimeSpan.Zero } });
        Server.On(r => r.IsPut, ScriptedAnswer.Error(503, "SlowDown"), times: 25);

        await Parallel.ForEachAsync(
            Enumerable.Range(0, 8),
            async (i, cancel) => await store.PutAsync($"object-{i}", Bytes("content"), cancel)
        );

        Assert.Equal(8, (await KeysAsync(store)).Count);
        Assert.Contains(Retries, r => r.Delay == Hasty.Retry.LongestDelay);
    }

    [Fact]
    public async Task C4_slowing_down_ends_with_its_budget()
    {
        var store = Open(Hasty with { ThrottleBudget = TimeSpan.FromMilliseconds(200) });
        Server.On(r => r.IsPut, ScriptedAnswer.Error(503, "SlowDown"));

        var error = await FailsAsync(ErrorIds.StoreUnavailable, async () => await store.PutAsync("object", Bytes("x"), default));

        Assert.True(StoreFault.IsTransient(error));
    }

    [Theory]
    [InlineData(500, "InternalError")]
    [InlineData(502, "BadGateway")]
    [InlineData(503, "ServiceUnavailable")]
    [InlineData(400, "RequestTimeout")]
    [InlineData(409, "ConditionalRequestConflict")]
    [InlineData(409, "OperationAborted")]
    public async Task C4_passing_errors_are_tried_again(int status, string code)
    {
        Server.On(r => r.Method == "PUT", ScriptedAnswer.Error(status, code), times: 2);
        var store = Open();

        Assert.True(await store.PutIfAbsentAsync("object", Bytes("content"), default));

        Assert.Equal(Bytes("content"), Server.Store.Content("backups/object"));
    }

    [Fact]
    public async Task C4_trying_again_ends_with_its_budget_and_the_error_says_that_it_may_pass()
    {
        Server.On(r => r.IsRead, ScriptedAnswer.Error(500, "InternalError"));
        var store = Open();

        var error = await FailsAsync(ErrorIds.StoreRead, async () => await store.ReadAsync("object", 0, new byte[1], default));

        Assert.True(StoreFault.IsTransient(error));
        Assert.InRange(Server.Requests.Count(r => r.IsRead), 5, 500);
    }

    [Theory]
    [InlineData(403, "AccessDenied")]
    [InlineData(507, "InsufficientStorage")]
    [InlineData(400, "QuotaExceeded")]
    public async Task C4_denials_and_full_stores_are_not_tried_again(int status, string code)
    {
        Server.On(r => r.IsPut, ScriptedAnswer.Error(status, code));
        var store = Open();

        var error = await FailsAsync(
            status == 403 ? ErrorIds.StoreAccessDenied : ErrorIds.StoreFull,
            async () => await store.PutAsync("object", Bytes("x"), default)
        );

        Assert.False(StoreFault.IsTransient(error));
        Assert.Equal(1, Server.Requests.Count(r => r.IsPut));
    }

    [Fact]
    public async Task C4_an_answer_that_does_not_come_is_given_up_and_asked_for_again()
    {
        var store = Open(Hasty with { AttemptTimeout = TimeSpan.FromMilliseconds(300) });
        await store.PutAsync("object", Bytes("content"), default);
        Server.On(r => r.IsRead, ScriptedAnswer.Empty() with { Delay = TimeSpan.FromSeconds(20) }, times: 1);

        Assert.Equal(Bytes("content"), await ReadAsync(store, "object", 100));
    }

    [Fact]
    public async Task C3_a_put_if_absent_whose_answer_was_lost_still_knows_that_it_won()
    {
        var store = Open();
        await store.DetectCapabilitiesAsync(default);
        Server.On(r => r.IsPut, ScriptedAnswer.Reset(), times: 1, afterTheWork: true);

        Assert.True(await store.PutIfAbsentAsync("head", Bytes("mine"), default));
    }

    [Fact]
    public async Task C3_a_put_if_absent_that_lost_to_another_while_it_failed_knows_that_too()
    {
        var store = Open();
        await store.DetectCapabilitiesAsync(default);
        Server.On(r => r.IsPut, ScriptedAnswer.Error(500, "InternalError"), times: 1);
        await Open().PutAsync("head", Bytes("same content"), default);

        Assert.False(await store.PutIfAbsentAsync("head", Bytes("same content"), default));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task C5_a_server_without_conditional_writes_is_found_out_and_told(bool refuses)
    {
        Server.Store.HonoursConditions = false;
        if (refuses)
        {
            Server.On(r => r.Header("if-none-match") is not null, ScriptedAnswer.Error(501, "NotImplemented"));
        }

        var store = Open();

        Assert.True(await store.PutIfAbsentAsync("head", Bytes("first"), default));
        Assert.False(await store.PutIfAbsentAsync("head", Bytes("second"), default));

        Assert.False(store.Capabilities.AtomicPutIfAbsent);
        Assert.Contains("heartbeat", Assert.Single(Warnings), StringComparison.Ordinal);
        Assert.Equal(Bytes("first"), Server.Store.Content("backups/head"));
        Assert.Equal(["head"], await KeysAsync(store));
    }

    [Fact]
    public async Task C5_a_server_with_conditional_writes_is_asked_once_and_left_clean()
    {
        var store = Open();
        for (var i = 0; i < 3; i++)
        {
            Assert.True(await store.PutIfAbsentAsync($"head-{i}", Bytes("x"), default));
        }

        Assert.True(store.Capabilities.AtomicPutIfAbsent);
        Assert.Empty(Warnings);
        Assert.Equal(5, Server.Requests.Count(r => r.IsPut));
        Assert.Equal(3, (await KeysAsync(store)).Count);
    }

    [Fact]
    public async Task C3_cancelling_a_put_waits_for_its_end_so_that_nothing_is_written_later()
    {
        var store = Open();
        await KeysAsync(store);
        Server.On(
            r => r.IsPut,
            ScriptedAnswer.Empty(200, ("ETag", "\"object\"")) with
            {
                Delay = TimeSpan.FromMilliseconds(500),
            },
            times: 1,
            afterTheWork: true
        );
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(150));

        // The request was on its way: it is let end, and its success is told.
        await store.PutAsync("object", Bytes("content"), cancel.Token);

        Assert.Equal(Bytes("content"), Server.Store.Content("backups/object"));
    }

    [Fact]
    public async Task C5_several_parts_are_under_way_at_once_but_never_more_than_the_memory_allows()
    {
        var store = Open();
        Server.On(r => r.IsPart, r => Server.Store.Answer(r) with { Delay = TimeSpan.FromMilliseconds(40) });
        var content = Noise(20 * PartSize);

        await Task.WhenAll(UploadAsync(store, "one", content), UploadAsync(store, "two", content), UploadAsync(store, "three", content));

        Assert.InRange(Server.MostPartsInWork, 3, 4);
        Assert.Equal(content, Server.Store.Content("backups/two"));
    }
}
