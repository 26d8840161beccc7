using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage.Files;
using KafkaBackup.Testing;
using Xunit.Abstractions;
using static KafkaBackup.Engine.Tests.Catalog.ManifestSamples;

namespace KafkaBackup.Engine.Tests.Catalog;

/// <summary>Counts what the whole process allocates: nothing else may run beside it.</summary>
[Trait("Run", "Long")]
[CollectionDefinition(nameof(BigManifestTests), DisableParallelization = true)]
[Collection(nameof(BigManifestTests))]
public sealed class BigManifestTests(ITestOutputHelper output)
{
    private const int Count = 100_000;

    [Fact]
    public async Task C1_a_hundred_thousand_segments_open_within_200_MB()
    {
        using var folder = new TemporaryFolder();
        await using var store = new FileStore(folder.Path);
        var catalog = new BackupCatalog(store);
        Manifest written;
        await using (var session = await BackupSession.BeginAsync(catalog, "backup", Options(), default))
        {
            written = await session.CommitAsync(session.Manifest!.With(BigTopic(Count)), default);
        }

        await catalog.OpenAsync("backup", default);
        GC.Collect();
        var allocatedBefore = GC.GetTotalAllocatedBytes(precise: true);
        var opened = await catalog.OpenAsync("backup", default);
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - allocatedBefore;
        output.WriteLine(
            $"{Count} segments: {allocated / 1_000_000} MB allocated, head {new FileInfo(Path.Combine(folder.Path, "backup", "manifest.json")).Length} bytes"
        );

        AssertSame(written, opened.Manifest);
        Assert.InRange(allocated, 0, 200_000_000);
    }
}
