using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing.Storage;

namespace KafkaBackup.Engine.Tests.Storage;

public sealed class StoreBackendTests
{
    /// <summary>Everything that a new kind of store needs beside its own class.</summary>
    private static readonly StoreBackends WithShelf = new([.. StoreBackends.Known.All.SkipLast(1), new ShelfBackend()]);

    [Fact]
    public void Q2_one_line_adds_a_back_end_to_files_parameters_messages_and_opening()
    {
        using var folder = new Testing.TemporaryFolder();
        var file = folder.File("restore.yaml");
        File.WriteAllText(
            file,
            "backup_id: b\ntarget: {bootstrap_servers: [h:1]}\nstorage: {backend: shelf, path: SHELF://left/, prefix: a/b, dust: 3}\n"
        );
        var resolver = new OptionsResolver(folder.Path, SilentEvents.Instance, TimeProvider.System, backends: WithShelf);

        var fromFile = resolver.Resolve(new RestoreSettings { ConfigPath = file }).Store;
        var given = new StoreSettings
        {
            Path = "shelf://left",
            Options = new Dictionary<string, string> { ["dust"] = "3" },
        };

        Assert.Equal(("shelf://left/a/b", "3"), (fromFile.Path, fromFile.Options!["dust"]));
        Assert.Equal("shelf://left", resolver.Resolve(given).Path);
        Assert.True(WithShelf.IsAddress("shelf://left"));
        Assert.Equal("a folder or shelf://name or az://account/container/prefix or s3://bucket/prefix", WithShelf.Forms);
        Assert.IsType<MemoryStore>(WithShelf.Open(given, TimeProvider.System));
    }

    [Theory]
    [InlineData("shelf://left", "region", "eu", "StoreConfiguration")]
    [InlineData("shelf://left", "dust", "11", "ConfigOutOfRange")]
    [InlineData("shelf://left", "path_style", "perhaps", "ConfigWrongType")]
    [InlineData("shelves://left", "dust", "3", "InvalidPath")]
    [InlineData("left", "dust", "3", "StoreConfiguration")]
    [InlineData("s3://bucket", "dust", "3", "StoreConfiguration")]
    [InlineData("s3://bucket", "sas_token", "sig=x", "StoreConfiguration")]
    [InlineData("az://account/container", "region", "eu", "StoreConfiguration")]
    [InlineData("az://account/container", "immutability_days", "0", "ConfigOutOfRange")]
    public void Q2_each_back_end_takes_its_own_options_only(string path, string option, string value, string errorId)
    {
        var resolver = new OptionsResolver(Path.GetTempPath(), SilentEvents.Instance, TimeProvider.System, backends: WithShelf);
        var given = new StoreSettings
        {
            Path = path,
            Options = new Dictionary<string, string> { [option] = value },
        };

        Assert.Equal(errorId, Assert.Throws<KafkaBackupException>(() => resolver.Resolve(given)).ErrorId);
    }

    private sealed class ShelfBackend : StoreBackend
    {
        public override string Name => "shelf";

        public override string AddressForm => "shelf://name";

        public override IReadOnlyList<StoreOption> Options { get; } =
        [new("dust", StoreOptionKind.Number, "Shelf: how thick it lies.") { Most = 10 }];

        public override bool IsAddress(string path) => path.StartsWith("shelf:", StringComparison.OrdinalIgnoreCase);

        public override string Normalize(string path, string? prefix, string baseFolder) =>
            $"shelf://{string.Join('/', [path["shelf://".Length..].TrimEnd('/'), .. prefix is null ? Array.Empty<string>() : [prefix]])}";

        public override IStore Open(StoreSettings settings, TimeProvider clock, Action<RetryNotice>? onRetry, Action<string>? onWarning) =>
            new MemoryStore();
    }
}
