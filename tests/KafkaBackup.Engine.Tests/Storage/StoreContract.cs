using System.Text;
using KafkaBackup.Engine.Storage;
using Xunit;

namespace KafkaBackup.Engine.Tests.Storage;

/// <summary>
/// What every store must do (rule C3); the comment of <see cref="IStore"/> in tests. A new kind of store derives from this and gives
/// fresh, empty stores.
/// </summary>
public abstract class StoreContract : IAsyncLifetime
{
    private IStore? _store;

    protected IStore Store => _store ?? throw new InvalidOperationException("Not open yet.");

    /// <summary>Sizes at which this kind of store changes how it works, beside the small ones.</summary>
    protected virtual IReadOnlyList<int> InterestingSizes => [];

    /// <summary>
    /// How much must be written before an upload leaves something in the store; smaller ones may be kept in memory until their commit.
    /// </summary>
    protected virtual int BytesOfAnUnfinishedUpload => 10;

    /// <summary>An empty store, of its own for each test.</summary>
    protected abstract Task<IStore> OpenAsync();

    protected virtual Task RemoveAsync() => Task.CompletedTask;

    public async Task InitializeAsync() => _store = await OpenAsync();

    public async Task DisposeAsync()
    {
        await Store.DisposeAsync();
        await RemoveAsync();
    }

    [Fact]
    public async Task C3_what_was_put_is_read_back()
    {
        await PutAsync("a/b.txt", "hello");

        Assert.Equal("hello", await ReadTextAsync("a/b.txt"));
        var found = await Store.FindAsync("a/b.txt", default);
        Assert.Equal(("a/b.txt", 5), (found!.Key, found.Size));
    }

    [Fact]
    public async Task C3_a_put_replaces_the_whole_object()
    {
        await PutAsync("key", "a long first content");
        await PutAsync("key", "short");

        Assert.Equal("short", await ReadTextAsync("key"));
    }

    [Fact]
    public async Task C3_an_empty_object_is_an_object()
    {
        await PutAsync("empty", "");

        Assert.Equal(0, (await Store.FindAsync("empty", default))!.Size);
        Assert.Equal(0, await Store.ReadAsync("empty", 0, new byte[10], default));
    }

    [Fact]
    public async Task C3_a_missing_object_is_null_to_find_and_an_error_to_read()
    {
        await PutAsync("there", "x");

        Assert.Null(await Store.FindAsync("missing", default));
        Assert.Null(await Store.FindAsync("no/such/folder", default));
        Assert.Null(await Store.FindAsync("ther", default));
        await AssertErrorAsync(ErrorIds.StoreObjectMissing, async () => await Store.ReadAsync("missing", 0, new byte[1], default));
        await AssertErrorAsync(ErrorIds.StoreObjectMissing, async () => await Store.ReadAsync("no/such/folder", 0, new byte[1], default));
    }

    [Fact]
    public async Task C3_a_folder_is_not_an_object()
    {
        await PutAsync("folder/object", "x");

        Assert.Null(await Store.FindAsync("folder", default));
        await AssertErrorAsync(ErrorIds.StoreObjectMissing, async () => await Store.ReadAsync("folder", 0, new byte[1], default));
    }

    [Theory]
    [InlineData(0, 3, "abc")]
    [InlineData(3, 4, "defg")]
    [InlineData(8, 10, "ij")]
    [InlineData(9, 1, "j")]
    [InlineData(10, 5, "")]
    [InlineData(11, 5, "")]
    [InlineData(5_000_000_000, 5, "")]
    [InlineData(4, 0, "")]
    public async Task C3_a_range_is_read_exactly_and_is_short_only_at_the_end(long offset, int length, string expected)
    {
        await PutAsync("object", "abcdefghij");
        var buffer = new byte[length];

        var count = await Store.ReadAsync("object", offset, buffer, default);

        Assert.Equal(expected, Encoding.UTF8.GetString(buffer, 0, count));
    }

    [Fact]
    public async Task C3_an_upload_is_invisible_until_its_commit_and_whole_after_it()
    {
        await using var upload = await Store.CreateAsync("topics/t/segment", default);
        await upload.WriteAsync(Encoding.UTF8.GetBytes("first "), default);
        await upload.WriteAsync(Encoding.UTF8.GetBytes("second"), default);

        Assert.Null(await Store.FindAsync("topics/t/segment", default));
        Assert.Empty(await KeysAsync(""));
        Assert.Empty(await FoldersAsync(""));

        await upload.CommitAsync(default);

        Assert.Equal("first second", await ReadTextAsync("topics/t/segment"));
        Assert.Equal(["topics/t/segment"], await KeysAsync(""));
    }

    [Fact]
    public async Task C3_an_upload_that_is_disposed_of_without_commit_leaves_nothing()
    {
        await using (var upload = await Store.CreateAsync("a/dropped", default))
        {
            await upload.WriteAsync(new byte[100_000], default);
        }

        Assert.Null(await Store.FindAsync("a/dropped", default));
        Assert.Empty(await KeysAsync(""));
        Assert.Empty(await UploadsAsync(""));
    }

    [Fact]
    public async Task C3_an_upload_without_a_byte_is_an_empty_object()
    {
        await using var upload = await Store.CreateAsync("empty", default);
        await upload.CommitAsync(default);

        Assert.Equal(0, (await Store.FindAsync("empty", default))!.Size);
    }

    [Fact]
    public async Task C3_uploads_of_every_size_come_back_byte_for_byte()
    {
        foreach (var size in (int[])[1, 4095, 4096, 65_537, 1_048_576, 3_000_001, .. InterestingSizes])
        {
            var content = new byte[size];
            new Random(size).NextBytes(content);
            await using (var upload = await Store.CreateAsync($"sizes/{size}", default))
            {
                var rest = content.AsMemory();
                for (var step = 1; rest.Length > 0; step = Math.Min(step * 7, 1 << 20))
                {
                    var part = rest[..Math.Min(step, rest.Length)];
                    await upload.WriteAsync(part, default);
                    rest = rest[part.Length..];
                }

                await upload.CommitAsync(default);
            }

            var back = new byte[size + 1];
            var count = await Store.ReadAsync($"sizes/{size}", 0, back, default);
            Assert.True(content.AsSpan().SequenceEqual(back.AsSpan(0, count)), $"{size} bytes came back different");
        }
    }

    [Fact]
    public async Task C3_the_writer_may_reuse_its_buffer_at_once()
    {
        var buffer = new byte[300_000];
        await using var upload = await Store.CreateAsync("object", default);
        for (byte i = 1; i <= 40; i++)
        {
            buffer.AsSpan().Fill(i);
            await upload.WriteAsync(buffer, default);
        }

        buffer.AsSpan().Clear();
        await upload.CommitAsync(default);

        for (byte i = 1; i <= 40; i++)
        {
            Assert.Equal(buffer.Length, await Store.ReadAsync("object", (i - 1L) * buffer.Length, buffer, default));
            Assert.True(buffer.All(b => b == i));
        }
    }

    [Fact]
    public async Task C3_an_unfinished_upload_is_listed_and_can_be_dropped()
    {
        await PutAsync("a/object", "x");
        var upload = await Store.CreateAsync("a/unfinished", default);
        await upload.WriteAsync(new byte[BytesOfAnUnfinishedUpload], default);

        while (await UploadsAsync("a/") is [])
        {
            // Parts are sent while the writer goes on: the upload shows once the first has arrived.
            await Task.Yield();
        }

        Assert.Single(await UploadsAsync("a/"));
        Assert.Empty(await UploadsAsync("b/"));
        foreach (var left in await UploadsAsync(""))
        {
            await Store.DropUploadAsync(left, default);
            await Store.DropUploadAsync(left, default);
        }

        Assert.Empty(await UploadsAsync(""));
        Assert.Equal(["a/object"], await KeysAsync(""));
        await Assert.ThrowsAsync<KafkaBackupException>(async () => await upload.CommitAsync(default));
        Assert.Null(await Store.FindAsync("a/unfinished", default));
        await upload.DisposeAsync();
    }

    [Fact]
    public async Task C3_listing_is_complete_and_in_ordinal_order_whatever_the_folders()
    {
        string[] keys = ["B", "a", "a-b/x", "a.b/x", "a/b", "a/b.c", "a/b/c", "a/c/1", "a0/x", "b/1", "b/10", "b/2", "ü/ß ä", "z y/x"];
        foreach (var key in keys.Where(k => k is not ("a" or "a/b")).Reverse())
        {
            await PutAsync(key, key);
        }

        Assert.Equal(keys.Where(k => k is not ("a" or "a/b")).Order(StringComparer.Ordinal), await KeysAsync(""));
    }

    [Theory]
    [InlineData("", "a-b/x a/b/1 a/b/2 a/c ab/x b/x")]
    [InlineData("a", "a-b/x a/b/1 a/b/2 a/c ab/x")]
    [InlineData("a/", "a/b/1 a/b/2 a/c")]
    [InlineData("a/b", "a/b/1 a/b/2")]
    [InlineData("a/b/", "a/b/1 a/b/2")]
    [InlineData("a/b/2", "a/b/2")]
    [InlineData("a/b/2/", "")]
    [InlineData("c", "")]
    [InlineData("c/d/e", "")]
    public async Task C3_listing_takes_a_plain_prefix_of_the_key(string prefix, string expected)
    {
        foreach (var key in (string[])["b/x", "ab/x", "a/c", "a/b/2", "a/b/1", "a-b/x"])
        {
            await PutAsync(key, "");
        }

        Assert.Equal(expected, string.Join(' ', await KeysAsync(prefix)));
    }

    [Fact]
    public async Task C3_listing_goes_on_past_a_page_of_a_thousand_and_tells_sizes()
    {
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 2100),
            new ParallelOptions { MaxDegreeOfParallelism = 8 },
            async (i, cancel) => await Store.PutAsync($"many/{i:D5}", new byte[i % 5], cancel)
        );

        var found = new List<StoreObject>();
        await foreach (var item in Store.ListAsync("many/", default))
        {
            found.Add(item);
        }

        Assert.Equal(Enumerable.Range(0, 2100).Select(i => ($"many/{i:D5}", (long)i % 5)), found.Select(f => (f.Key, f.Size)));
    }

    [Fact]
    public async Task C3_a_listing_can_be_left_early()
    {
        foreach (var key in (string[])["a/1", "a/2", "b/1"])
        {
            await PutAsync(key, "");
        }

        await foreach (var item in Store.ListAsync("", default))
        {
            Assert.Equal("a/1", item.Key);
            break;
        }
    }

    [Fact]
    public async Task C3_folders_are_what_lies_up_to_the_next_slash()
    {
        foreach (var key in (string[])["one/a", "one/b/c", "two/x/y/z", "top", "one-more/x"])
        {
            await PutAsync(key, "");
        }

        Assert.Equal(["one", "one-more", "two"], (await FoldersAsync("")).Order(StringComparer.Ordinal));
        Assert.Equal(["b"], await FoldersAsync("one/"));
        Assert.Equal(["x"], await FoldersAsync("two/"));
        Assert.Empty(await FoldersAsync("two/x/y/"));
        Assert.Empty(await FoldersAsync("three/"));
    }

    [Fact]
    public async Task C3_put_if_absent_writes_only_where_nothing_is()
    {
        Assert.True(await Store.PutIfAbsentAsync("a/key", Bytes("first"), default));
        Assert.False(await Store.PutIfAbsentAsync("a/key", Bytes("second"), default));
        Assert.Equal("first", await ReadTextAsync("a/key"));

        await Store.DeleteAsync("a/key", default);
        Assert.True(await Store.PutIfAbsentAsync("a/key", Bytes("third"), default));
        Assert.Equal("third", await ReadTextAsync("a/key"));
        Assert.Empty(await UploadsAsync(""));
    }

    [Fact]
    public async Task C3_of_many_that_put_if_absent_at_once_exactly_one_wins()
    {
        if (!Store.Capabilities.AtomicPutIfAbsent)
        {
            return;
        }

        for (var round = 0; round < 20; round++)
        {
            var key = $"race/{round}";
            var results = await Task.WhenAll(
                Enumerable
                    .Range(0, 8)
                    .Select(i => Task.Run(async () => (i, Won: await Store.PutIfAbsentAsync(key, Bytes($"writer {i}"), default))))
            );

            var winner = Assert.Single(results, r => r.Won);
            Assert.Equal($"writer {winner.i}", await ReadTextAsync(key));
        }
    }

    [Fact]
    public async Task C3_a_reader_beside_a_writer_sees_one_whole_content_or_the_other()
    {
        var contents = Enumerable.Range(0, 4).Select(i => Enumerable.Repeat((byte)i, 50_000 + (i * 1000)).ToArray()).ToArray();
        await Store.PutAsync("shared", contents[0], default);
        using var done = new CancellationTokenSource();
        var reader = Task.Run(async () =>
        {
            var buffer = new byte[100_000];
            while (!done.IsCancellationRequested)
            {
                var count = await Store.ReadAsync("shared", 0, buffer, default);
                Assert.Contains(contents, c => c.AsSpan().SequenceEqual(buffer.AsSpan(0, count)));
            }
        });
        for (var i = 0; i < 40; i++)
        {
            await Store.PutAsync("shared", contents[i % contents.Length], default);
        }

        await done.CancelAsync();
        await reader;
    }

    [Fact]
    public async Task C3_delete_removes_one_object_and_a_second_delete_is_no_error()
    {
        await PutAsync("a/b/1", "1");
        await PutAsync("a/b/2", "2");

        await Store.DeleteAsync("a/b/1", default);
        await Store.DeleteAsync("a/b/1", default);
        await Store.DeleteAsync("never/was", default);

        Assert.Equal(["a/b/2"], await KeysAsync(""));
        await Store.DeleteAsync("a/b/2", default);
        Assert.Empty(await KeysAsync(""));
        Assert.Empty(await FoldersAsync(""));
        await PutAsync("a/b/3", "again");
        Assert.Equal(["a/b/3"], await KeysAsync(""));
    }

    [Fact]
    public async Task C3_writers_and_deleters_of_one_folder_do_not_disturb_each_other()
    {
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 8),
            new ParallelOptions { MaxDegreeOfParallelism = 8 },
            async (writer, cancel) =>
            {
                for (var i = 0; i < 25; i++)
                {
                    var key = $"folder/{i % 3}/{writer}";
                    await Store.PutAsync(key, Bytes(key), cancel);
                    Assert.NotNull(await Store.FindAsync(key, cancel));
                    await Store.DeleteAsync(key, cancel);
                }
            }
        );

        Assert.Empty(await KeysAsync(""));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/absolute")]
    [InlineData("../outside")]
    [InlineData("a/../../outside")]
    [InlineData("a/./b")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("a\\..\\..\\outside")]
    [InlineData("C:/Windows")]
    [InlineData("a\0b")]
    [InlineData("a/.kbtmp-x")]
    public async Task A8_a_key_never_leaves_the_root(string key)
    {
        await AssertErrorAsync(ErrorIds.InvalidPath, async () => await Store.FindAsync(key, default));
        await AssertErrorAsync(ErrorIds.InvalidPath, async () => await Store.ReadAsync(key, 0, new byte[1], default));
        await AssertErrorAsync(ErrorIds.InvalidPath, async () => await Store.PutAsync(key, Bytes("x"), default));
        await AssertErrorAsync(ErrorIds.InvalidPath, async () => await Store.PutIfAbsentAsync(key, Bytes("x"), default));
        await AssertErrorAsync(ErrorIds.InvalidPath, async () => await Store.CreateAsync(key, default));
        await AssertErrorAsync(ErrorIds.InvalidPath, async () => await Store.DeleteAsync(key, default));
    }

    [Theory]
    [InlineData("../")]
    [InlineData("a/../")]
    [InlineData("/")]
    public async Task A8_a_prefix_never_leaves_the_root(string prefix)
    {
        await AssertErrorAsync(ErrorIds.InvalidPath, () => KeysAsync(prefix));
        await AssertErrorAsync(ErrorIds.InvalidPath, () => FoldersAsync(prefix));
    }

    [Theory]
    [InlineData("with space/and more.json")]
    [InlineData("größe/日本語/ключ")]
    [InlineData("topics/!orders/partition=0/segment-00000000000000000042-0a1b2c.kbs")]
    [InlineData("percent%20and+plus&amp#hash")]
    public async Task C6_names_with_spaces_signs_and_other_scripts_come_back_as_they_were(string key)
    {
        await PutAsync(key, "content");

        Assert.Equal("content", await ReadTextAsync(key));
        Assert.Equal([key], await KeysAsync(""));
        Assert.Equal([key], await KeysAsync(key[..^1]));
    }

    [Fact]
    public async Task C6_keys_far_longer_than_windows_old_limit_work()
    {
        var key = string.Join('/', Enumerable.Range(0, 6).Select(i => new string((char)('a' + i), 120))) + "/object";
        await PutAsync(key, "deep");

        Assert.Equal("deep", await ReadTextAsync(key));
        Assert.Equal([key], await KeysAsync("a"));
    }

    [Fact]
    public async Task C3_times_are_the_stores_own_and_move_on()
    {
        await PutAsync("first", "");
        var before = await Store.GetClockAsync(default);
        var first = (await Store.FindAsync("first", default))!.LastModified;

        Assert.InRange(before - first, TimeSpan.FromSeconds(-2), TimeSpan.FromSeconds(30));
        Assert.Equal(["first"], await KeysAsync(""));
        Assert.Empty(await UploadsAsync(""));
    }

    [Fact]
    public async Task C3_a_cancelled_call_writes_nothing()
    {
        await PutAsync("old", "old");
        var cancelled = new CancellationToken(canceled: true);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.PutAsync("old", Bytes("new"), cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.PutIfAbsentAsync("new", Bytes("new"), cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.DeleteAsync("old", cancelled));
        await using (var upload = await Store.CreateAsync("upload", default))
        {
            await upload.WriteAsync(Bytes("x"), default);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await upload.CommitAsync(cancelled));
        }

        Assert.Equal("old", await ReadTextAsync("old"));
        Assert.Equal(["old"], await KeysAsync(""));
        Assert.Empty(await UploadsAsync(""));
    }

    protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    protected async Task PutAsync(string key, string content) => await Store.PutAsync(key, Bytes(content), default);

    protected async Task<string> ReadTextAsync(string key)
    {
        var buffer = new byte[1024];
        return Encoding.UTF8.GetString(buffer, 0, await Store.ReadAsync(key, 0, buffer, default));
    }

    protected async Task<List<string>> KeysAsync(string prefix)
    {
        var keys = new List<string>();
        await foreach (var item in Store.ListAsync(prefix, default))
        {
            keys.Add(item.Key);
        }

        return keys;
    }

    protected async Task<List<string>> FoldersAsync(string prefix)
    {
        var names = new List<string>();
        await foreach (var name in Store.ListFoldersAsync(prefix, default))
        {
            names.Add(name);
        }

        return names;
    }

    protected async Task<List<StoreUpload>> UploadsAsync(string prefix)
    {
        var uploads = new List<StoreUpload>();
        await foreach (var upload in Store.ListUploadsAsync(prefix, default))
        {
            uploads.Add(upload);
        }

        return uploads;
    }

    protected static async Task<KafkaBackupException> AssertErrorAsync(ErrorDefinition expected, Func<Task> call)
    {
        var error = await Assert.ThrowsAsync<KafkaBackupException>(call);
        Assert.Equal(expected.Id, error.ErrorId);
        Assert.NotEmpty(error.Advice);
        return error;
    }
}
