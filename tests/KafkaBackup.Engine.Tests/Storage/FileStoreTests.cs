using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.Files;
using Xunit;

namespace KafkaBackup.Engine.Tests.Storage;

public sealed class FileStoreTests : StoreContract
{
    private readonly string _root = Path.Combine(Path.GetTempPath(), "kafkabackup store ü " + Guid.NewGuid().ToString("n"));

    protected override Task<IStore> OpenAsync()
    {
        Directory.CreateDirectory(_root);
        return Task.FromResult<IStore>(new FileStore(_root));
    }

    protected override Task RemoveAsync()
    {
        Directory.Delete(_root, recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task C2_a_missing_root_is_an_error_to_read_not_an_empty_store()
    {
        await using var missing = new FileStore(Path.Combine(_root, "not", "mounted"));

        await AssertErrorAsync(ErrorIds.StoreNotFound, async () => await missing.FindAsync("a/b", default));
        await AssertErrorAsync(ErrorIds.StoreNotFound, async () => await missing.ReadAsync("a/b", 0, new byte[1], default));
        await AssertErrorAsync(ErrorIds.StoreNotFound, async () => await missing.GetClockAsync(default));
        await AssertErrorAsync(
            ErrorIds.StoreNotFound,
            async () =>
            {
                await foreach (var _ in missing.ListAsync("", default)) { }
            }
        );
        Assert.False(Directory.Exists(missing.Location));

        await missing.PutAsync("a/b", Bytes("x"), default);
        Assert.NotNull(await missing.FindAsync("a/b", default));
    }

    [Fact]
    public async Task C3_no_temporary_file_stays_behind()
    {
        await PutAsync("a/1", "x");
        await Store.PutIfAbsentAsync("a/1", Bytes("y"), default);
        await Store.PutIfAbsentAsync("a/2", Bytes("y"), default);
        await Store.GetClockAsync(default);

        Assert.Equal(
            [".kafkabackup-store", "1", "2"],
            Directory.EnumerateFiles(_root, "*", SearchOption.AllDirectories).Select(Path.GetFileName).Order()
        );
    }

    [Fact]
    public async Task C1_what_a_killed_writer_left_is_hidden_from_listing_and_named_as_an_upload()
    {
        await PutAsync("id/topics/a", "x");
        await File.WriteAllTextAsync(Path.Combine(_root, "id", "topics", StoreKey.ReservedNameStart + "0123"), "half");

        Assert.Equal(["id/topics/a"], await KeysAsync(""));
        var left = Assert.Single(await UploadsAsync("id/"));
        Assert.Equal(4, left.Size);
        await Store.DropUploadAsync(left, default);
        Assert.Empty(await UploadsAsync("id/"));
    }

    [Fact]
    public async Task A8_links_below_the_root_are_neither_listed_nor_followed()
    {
        var outside = Directory.CreateTempSubdirectory("kafkabackup-outside-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(outside, "secret"), "secret");
            await PutAsync("real/object", "x");
            Directory.CreateSymbolicLink(Path.Combine(_root, "link"), outside);
            File.CreateSymbolicLink(Path.Combine(_root, "real", "linked"), Path.Combine(outside, "secret"));

            Assert.Equal(["real/object"], await KeysAsync(""));
            Assert.Equal(["real"], await FoldersAsync(""));
            await AssertErrorAsync(ErrorIds.InvalidPath, async () => await Store.ReadAsync("link/secret", 0, new byte[10], default));
            await AssertErrorAsync(ErrorIds.InvalidPath, async () => await Store.ReadAsync("real/linked", 0, new byte[10], default));
            await AssertErrorAsync(ErrorIds.InvalidPath, async () => await Store.PutAsync("link/new", Bytes("x"), default));
            await AssertErrorAsync(ErrorIds.InvalidPath, async () => await Store.DeleteAsync("link/secret", default));
            Assert.Equal(["secret"], Directory.EnumerateFiles(outside).Select(Path.GetFileName));
        }
        finally
        {
            Directory.Delete(outside, recursive: true);
        }
    }

    [Fact]
    public async Task C6_a_root_that_is_itself_a_link_works()
    {
        var link = _root + "-link";
        Directory.CreateSymbolicLink(link, _root);
        try
        {
            await using var store = new FileStore(link + Path.DirectorySeparatorChar);
            await store.PutAsync("a/b", Bytes("x"), default);

            Assert.Equal("x", await ReadTextAsync("a/b"));
        }
        finally
        {
            Directory.Delete(link);
        }
    }

    [Fact]
    public async Task C4_a_full_disk_is_its_own_error_and_not_a_passing_one()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists("/dev/full"))
        {
            return;
        }

        var error = FileFault.Writing(await DiskFullAsync(), _root, "object");

        Assert.Equal(ErrorIds.StoreFull.Id, error.ErrorId);
        Assert.False(StoreFault.IsTransient(error));
        Assert.Contains(_root, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C4_a_file_where_a_folder_must_be_is_a_write_error_that_names_it()
    {
        await PutAsync("object", "x");

        var error = await AssertErrorAsync(ErrorIds.StoreWrite, async () => await Store.PutAsync("object/below", Bytes("x"), default));
        Assert.Contains($"'{Path.Combine(_root, "object")}' is a file, where a folder is needed", error.Message, StringComparison.Ordinal);
        Assert.Contains("move that file away", error.Advice, StringComparison.Ordinal);
        Assert.False(StoreFault.IsTransient(error));

        var deeper = await AssertErrorAsync(ErrorIds.StoreWrite, async () => await Store.PutAsync("object/far/below", Bytes("x"), default));
        Assert.Contains($"'{Path.Combine(_root, "object")}' is a file, where a folder is needed", deeper.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void C4_a_read_only_file_system_is_called_that_and_no_temporary_name_is_shown()
    {
        var code = OperatingSystem.IsWindows() ? unchecked((int)0x80070013) : 30;
        var error = FileFault.Writing(new IOException("Read-only file system : '/store/.kbtmp-17'", code), _root, "/store/object");

        Assert.Equal(ErrorIds.StoreAccessDenied.Id, error.ErrorId);
        Assert.Equal("'/store/object' cannot be written: the file system is read-only.", error.Message);
        Assert.Contains("Mount it for writing", error.Advice, StringComparison.Ordinal);
        Assert.False(StoreFault.IsTransient(error));
    }

    [Fact]
    public async Task C4_denied_access_is_its_own_error_and_not_a_passing_one()
    {
        var error = FileFault.Reading(new UnauthorizedAccessException("Access to the path is denied."), _root, "object");
        Assert.Equal(ErrorIds.StoreAccessDenied.Id, error.ErrorId);
        Assert.False(StoreFault.IsTransient(error));
        if (!OperatingSystem.IsWindows() && Environment.UserName != "root")
        {
            await PutAsync("locked/object", "x");
            File.SetUnixFileMode(Path.Combine(_root, "locked"), UnixFileMode.None);
            try
            {
                await AssertErrorAsync(ErrorIds.StoreAccessDenied, async () => await Store.FindAsync("locked/object", default));
                await AssertErrorAsync(ErrorIds.StoreAccessDenied, () => KeysAsync(""));
                await AssertErrorAsync(ErrorIds.StoreAccessDenied, async () => await Store.PutAsync("locked/other", Bytes("x"), default));
            }
            finally
            {
                File.SetUnixFileMode(
                    Path.Combine(_root, "locked"),
                    UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                );
            }
        }
    }

    [Fact]
    public async Task C3_thousands_of_reads_leave_no_handle_open()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        await PutAsync("object", "content");
        var path = Path.Combine(_root, "object");
        for (var i = 0; i < 2000; i++)
        {
            await Store.ReadAsync("object", 1, new byte[3], default);
        }

        var open = Directory.EnumerateFiles("/proc/self/fd").Count(fd => new FileInfo(fd).LinkTarget == path);
        Assert.Equal(0, open);
    }

    /// <summary>The system's own answer to a write for which there is no room.</summary>
    private static async Task<IOException> DiskFullAsync() =>
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            await using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.None, bufferSize: 0);
            await full.WriteAsync(new byte[10]);
        });
}
