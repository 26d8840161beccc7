using System.Diagnostics;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.Files;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.Engine.Tests.Verify;
using KafkaBackup.Testing;

namespace KafkaBackup.Engine.Tests.Storage;

/// <summary>What only a folder has: mount points, rights, pipes, and somebody else in it.</summary>
public sealed class FolderStoreTests
{
    [Theory]
    [InlineData("deleted")]
    [InlineData("unmounted")]
    [InlineData("another store")]
    public async Task C2_a_store_that_went_away_is_an_error_of_the_store_and_nothing_is_written_there(string fate)
    {
        using var folder = new TemporaryFolder();
        var root = folder.File("store");
        await using var store = new FileStore(root);
        await store.PutAsync("b/one", new byte[] { 1 }, default);
        await using var upload = await store.CreateAsync("b/two", default);
        await upload.WriteAsync(new byte[] { 2 }, default);
        Directory.Move(root, folder.File("away"));
        if (fate != "deleted")
        {
            Directory.CreateDirectory(root);
        }

        if (fate == "another store")
        {
            await using var other = new FileStore(root);
            await other.PutAsync("c/one", new byte[] { 1 }, default);
        }

        var before = Directory.Exists(root) ? Directory.GetFileSystemEntries(root, "*", SearchOption.AllDirectories) : [];
        await LostAsync(async () => await store.PutAsync("b/three", new byte[] { 3 }, default));
        await LostAsync(async () => await store.PutIfAbsentAsync("b/three", new byte[] { 3 }, default));
        await LostAsync(async () => await store.CreateAsync("b/three", default));
        await LostAsync(async () => await upload.CommitAsync(default));
        await LostAsync(async () => await store.DeleteAsync("b/one", default));
        await LostAsync(async () => await store.FindAsync("b/one", default));
        await LostAsync(async () => await store.ReadAsync("b/one", 0, new byte[1], default));
        await LostAsync(async () => await store.GetClockAsync(default));
        await LostAsync(async () => await store.ListAsync("b/", default).GetAsyncEnumerator().MoveNextAsync());
        Assert.Equal(before, Directory.Exists(root) ? Directory.GetFileSystemEntries(root, "*", SearchOption.AllDirectories) : []);
    }

    [Fact]
    public async Task C2_a_store_that_was_only_read_before_it_went_away_is_noticed_too()
    {
        using var folder = new TemporaryFolder();
        var root = folder.File("store");
        await using (var earlier = new FileStore(root))
        {
            await earlier.PutAsync("b/one", new byte[] { 1 }, default);
        }

        await using var store = new FileStore(root);
        Assert.Null(await store.FindAsync("manifest.json", default));
        Directory.Move(root, folder.File("away"));
        Directory.CreateDirectory(root);

        await LostAsync(async () => await store.PutAsync("b/two", new byte[] { 2 }, default));
        Assert.Empty(Directory.GetFileSystemEntries(root));
    }

    [Fact]
    public async Task C2_a_run_whose_store_is_deleted_blames_the_store_and_makes_no_folder_again()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 2000);
        var running = scenario.BackUpAsync(
            BackupScenario.Asked() with
            {
                Continuous = true,
                SegmentMaxInterval = TimeSpan.FromMilliseconds(200),
            }
        );
        await scenario.WaitAsync(() => Directory.Exists(Path.Combine(scenario.StorePath, "b", "topics")), "the first segment");
        Directory.Move(scenario.StorePath, scenario.StorePath + "-away");
        scenario.Fill("orders", 2000, 2000);

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => running);

        Assert.Equal(ErrorIds.StoreLost.Id, error.ErrorId);
        Assert.False(Directory.Exists(scenario.StorePath));
        Directory.Move(scenario.StorePath + "-away", scenario.StorePath);
        File.SetLastWriteTimeUtc(Path.Combine(scenario.StorePath, "b", "lock.json"), DateTime.UtcNow.AddMinutes(-2));
        Assert.Equal(BackupStatus.Complete, (await scenario.BackUpAsync()).Status);
        await scenario.AssertStoredIsSourceAsync("orders");
    }

    [Theory]
    [InlineData(null, 0)]
    [InlineData("private", 0)]
    [InlineData("umask", 1)]
    public async Task A2_file_mode_decides_who_may_read_what_is_stored(string? mode, int others)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var folder = new TemporaryFolder();
        var settings = new StoreSettings
        {
            Path = folder.File("new/store"),
            Options = mode is null ? null : new Dictionary<string, string> { ["file_mode"] = mode },
        };
        await using var store = StoreBackends.Known.Open(settings, TimeProvider.System);
        await store.PutAsync("b/topics/one", new byte[] { 1 }, default);
        await store.PutIfAbsentAsync("b/two", new byte[] { 1 }, default);
        await using (var upload = await store.CreateAsync("b/three", default))
        {
            await upload.WriteAsync(new byte[10], default);
            await upload.CommitAsync(default);
        }

        const UnixFileMode shared =
            UnixFileMode.GroupRead
            | UnixFileMode.OtherRead
            | UnixFileMode.GroupExecute
            | UnixFileMode.OtherExecute
            | UnixFileMode.GroupWrite
            | UnixFileMode.OtherWrite;
        var reachable = 0;
        foreach (var entry in Directory.GetFileSystemEntries(folder.Path, "*", SearchOption.AllDirectories))
        {
            reachable += (File.GetUnixFileMode(entry) & shared) != 0 ? 1 : 0;
        }

        var probe = folder.File("probe");
        await File.WriteAllTextAsync(probe, "");
        Assert.Equal((File.GetUnixFileMode(probe) & shared) == 0 ? 0 : others, reachable > 0 ? 1 : 0);
    }

    [Fact]
    public void A2_an_unknown_file_mode_is_refused()
    {
        var settings = new StoreSettings
        {
            Path = Path.GetTempPath(),
            Options = new Dictionary<string, string> { ["file_mode"] = "0644" },
        };
        Assert.Equal(
            ErrorIds.StoreConfiguration.Id,
            Assert.Throws<KafkaBackupException>(() => StoreBackends.Known.Open(settings, TimeProvider.System)).ErrorId
        );
    }

    [Fact]
    public async Task A8_a_pipe_where_a_file_should_be_is_not_opened()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var folder = new TemporaryFolder();
        await using var store = new FileStore(folder.Path);
        await SmallBackup.WriteAsync(store, 1, "good");
        await SmallBackup.WriteAsync(store, 1, "bad");
        var manifest = Path.Combine(folder.Path, "bad", "manifest.json");
        File.Delete(manifest);
        using (var made = Process.Start("mkfifo", [manifest]))
        {
            await made.WaitForExitAsync();
        }

        Assert.Equal(
            ErrorIds.StoreRead.Id,
            (
                await Assert.ThrowsAsync<KafkaBackupException>(async () =>
                    await store.ReadAsync("bad/manifest.json", 0, new byte[1], default)
                )
            ).ErrorId
        );
        var events = new RecordingEvents();
        var listed = new List<string>();
        await foreach (var info in SmallBackup.EngineOn(store, events).GetBackupsAsync(SmallBackup.Settings, null, null, default))
        {
            listed.Add(info.BackupId);
        }

        Assert.Contains("good", listed);
        Assert.DoesNotContain("bad", listed);
    }

    [Fact]
    public async Task A8_a_folder_that_is_swapped_for_a_link_again_and_again_never_leads_a_read_outside()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var folder = new TemporaryFolder();
        using var outside = new TemporaryFolder();
        await File.WriteAllTextAsync(outside.File("object"), "outside");
        await using var store = new FileStore(folder.Path);
        await store.PutAsync("a/object", "inside!"u8.ToArray(), default);
        var (inside, aside) = (Path.Combine(folder.Path, "a"), Path.Combine(folder.Path, "aside"));
        using var enough = new CancellationTokenSource();
        var swapping = Task.Run(() =>
        {
            while (!enough.IsCancellationRequested)
            {
                Directory.Move(inside, aside);
                Directory.CreateSymbolicLink(inside, outside.Path);
                File.Delete(inside);
                Directory.Move(aside, inside);
            }
        });

        var seen = new List<string>();
        for (var i = 0; i < 5000; i++)
        {
            var buffer = new byte[7];
            try
            {
                var count = await store.ReadAsync("a/object", 0, buffer, default);
                seen.Add(System.Text.Encoding.UTF8.GetString(buffer, 0, count));
            }
            catch (KafkaBackupException error)
            {
                seen.Add(error.ErrorId);
            }
        }

        await enough.CancelAsync();
        await swapping;
        Assert.DoesNotContain("outside", seen);
        Assert.Contains("inside!", seen);
    }

    private static async Task LostAsync(Func<Task> call) =>
        Assert.Equal(ErrorIds.StoreLost.Id, (await Assert.ThrowsAsync<KafkaBackupException>(call)).ErrorId);
}
