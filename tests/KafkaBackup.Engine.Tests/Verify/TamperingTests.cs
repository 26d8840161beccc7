using System.Text.Json.Nodes;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage.Files;
using KafkaBackup.Engine.Tests.Catalog;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>What somebody may do who can write to the store, and what of it is noticed.</summary>
public sealed class TamperingTests
{
    [Fact]
    public async Task D2_a_backups_folder_that_was_renamed_is_noticed()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 1, "other");
        foreach (var key in store.Keys)
        {
            store[Id + key["other".Length..]] = store[key];
            store.Remove(key);
        }

        var report = await CheckAsync(store);

        Assert.Equal(ReportStatus.ValidWithWarnings, report.Status);
        Assert.Contains("other", Assert.Single(report.Findings).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D2_a_segment_of_another_backup_in_place_of_ours_is_noticed()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 1);
        await WriteAsync(store, 1, "other");
        var (ours, theirs) = (
            store.Keys.First(k => k.StartsWith(Id + "/topics/", StringComparison.Ordinal)),
            store.Keys.First(k => k.StartsWith("other/topics/", StringComparison.Ordinal))
        );
        Rewrite(
            store,
            head =>
            {
                // The manifest is made to fit, as somebody does who wants that to pass.
                var segment = head["segments"]!.AsArray().First(s => ours.EndsWith((string)s!["key"]!, StringComparison.Ordinal))!;
                segment["sha256"] = Engine.Format.Manifests.ManifestFile.Hash(store[theirs]);
                segment["storedBytes"] = store[theirs].Length;
            }
        );
        store[ours] = store[theirs];

        var report = await CheckAsync(store);

        Assert.Equal(ReportStatus.Invalid, report.Status);
        Assert.Contains(report.Findings, f => f.Place == ours && f.Message.Contains("'other'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task D2_a_segment_that_was_dropped_from_the_manifest_is_noticed_and_repair_takes_it_in_again()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 3);
        var dropped = Drop(store);

        var report = await CheckAsync(store);
        Assert.Equal((ReportStatus.Invalid, 50L), (report.Status, report.RecordCount));
        Assert.Contains(report.Findings, f => f.Severity == FindingSeverity.Error && f.Place == $"{Id}/{dropped}");

        await RepairAsync(store);
        Assert.Equal(60, (await CheckAsync(store)).RecordCount);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task D2_an_orphan_that_only_bears_the_name_of_a_dropped_segment_is_a_leftover(bool isSegment)
    {
        var store = new MemoryStore();
        await WriteAsync(store, 3);
        await WriteAsync(store, 1, "other");
        var dropped = $"{Id}/{Drop(store)}";
        store[dropped] = isSegment ? store[store.Keys.First(k => k.StartsWith("other/topics/", StringComparison.Ordinal))] : [1, 2, 3];

        var report = await CheckAsync(store);

        var finding = Assert.Single(report.Findings, f => f.Place == dropped);
        Assert.Equal((FindingKind.Orphaned, FindingSeverity.Warning), (finding.Kind, finding.Severity));
    }

    [Fact]
    public async Task D2_an_older_state_than_this_computer_has_seen_is_reported_and_a_removed_newest_head_too()
    {
        using var folder = new TemporaryFolder();
        await using var store = new FileStore(folder.File("store"));
        await WriteAsync(store, 2);
        Copy(store.Location, folder.File("copy"));
        await using (
            var session = await BackupSession.BeginAsync(
                new BackupCatalog(store),
                Id,
                new SessionOptions { RunId = "run-3", Clock = TimeProvider.System },
                default
            )
        )
        {
            await session.CommitAsync(session.Manifest!, default);
        }

        Assert.Equal(ReportStatus.Valid, (await CheckAsync(store)).Status);

        var heads = Directory.GetFiles(Path.Combine(store.Location, Id, "manifest"), "0*.json").Order(StringComparer.Ordinal).ToArray();
        var (newest, before) = (await File.ReadAllBytesAsync(heads[^1]), await File.ReadAllBytesAsync(heads[^2]));
        File.Delete(heads[^1]);
        await File.WriteAllBytesAsync(Path.Combine(store.Location, Id, "manifest.json"), before);
        Assert.Contains(
            (await CheckAsync(store)).Findings,
            f => f.Severity == FindingSeverity.Error && f.Message.Contains("this computer saw generation", StringComparison.Ordinal)
        );
        await File.WriteAllBytesAsync(heads[^1], newest);
        Assert.DoesNotContain((await CheckAsync(store)).Findings, f => f.Severity == FindingSeverity.Error);

        Directory.Delete(store.Location, recursive: true);
        Copy(folder.File("copy"), store.Location);
        await using var again = new FileStore(store.Location);
        Assert.Equal(ReportStatus.Invalid, (await CheckAsync(again)).Status);

        // The next run says it and goes on from what is there.
        await using (
            var session = await BackupSession.BeginAsync(
                new BackupCatalog(again),
                Id,
                new SessionOptions { RunId = "next", Clock = TimeProvider.System },
                default
            )
        )
        {
            Assert.Contains(session.Findings, f => f.Message.Contains("this computer saw generation", StringComparison.Ordinal));
        }

        // One that was removed on purpose is forgotten.
        await RemoveAsync(again);
        await using var anew = await BackupSession.BeginAsync(
            new BackupCatalog(again),
            Id,
            new SessionOptions { RunId = "new", Clock = TimeProvider.System },
            default
        );
        Assert.Empty(anew.Findings);
    }

    [Fact]
    public async Task D2_where_nothing_can_be_remembered_nothing_fails()
    {
        var home = Environment.GetEnvironmentVariable("XDG_STATE_HOME")!;
        using var folder = new TemporaryFolder();
        await using var store = new FileStore(folder.File("store"));
        var seen = new SeenGenerations(store.Location);
        await WriteAsync(store, 1);
        var manifest = await ManifestAsync(store);
        var file = Directory
            .GetFiles(Path.Combine(home, "kafkabackup", "seen"))
            .Single(f => File.ReadAllText(f).Contains(folder.Path, StringComparison.Ordinal));
        foreach (var rubbish in new[] { "", "null", "{", "{\"generation\":\"x\"}", "[1]" })
        {
            await File.WriteAllTextAsync(file, rubbish);
            Assert.Null(seen.Judge(Id, manifest));
        }

        File.Delete(file);
        Directory.CreateDirectory(Path.Combine(file, "in the way"));
        await WriteAsync(store, 1);
        Assert.Null(seen.Judge(Id, manifest));
        Directory.Delete(file, recursive: true);
    }

    [Theory]
    [InlineData("a:b.kbs")]
    [InlineData("a\nb.kbs")]
    [InlineData("../../../c/topics/x.kbs")]
    [InlineData("x\\y.kbs")]
    public async Task A8_names_that_are_no_keys_are_reported_and_stop_neither_repair_nor_removal(string name)
    {
        var store = new MemoryStore();
        await WriteAsync(store, 2);
        var strange = $"{Id}/topics/orders/partition=0/{name}";
        store[strange] = [1];
        await AddSegmentAsync(store, Id, "orders", 0, 500, "dead");

        var report = await CheckAsync(store);
        Assert.Contains(report.Findings, f => f.Place == strange);
        var repaired = await RepairAsync(store);
        Assert.Contains(repaired.Findings, f => f.Place == strange);
        Assert.DoesNotContain(store.Keys, k => k.Contains("00500-", StringComparison.Ordinal));
        await RemoveAsync(store, new RemoveSettings { KeepLast = 1, Force = true });
        await RemoveAsync(store);
        Assert.Equal([strange], store.Keys);
    }

    private static void Rewrite(MemoryStore store, Action<JsonObject> change)
    {
        var key = store.Keys.Last(k => k.StartsWith(Id + "/manifest/0", StringComparison.Ordinal));
        var file = JsonNode.Parse(store[key])!.AsObject();
        change(file["head"]!.AsObject());
        var bytes = HostileManifestTests.Seal(
            System.Text.Encoding.UTF8.GetBytes(file.ToJsonString(new System.Text.Json.JsonSerializerOptions { WriteIndented = true }))
        );
        store[key] = bytes;
        store[Id + "/manifest.json"] = bytes;
    }

    /// <summary>Takes a segment out of the only head, as somebody with an editor would; returns its key.</summary>
    private static string Drop(MemoryStore store)
    {
        foreach (var older in store.Keys.Where(k => k.StartsWith(Id + "/manifest/0", StringComparison.Ordinal)).ToArray()[..^1])
        {
            store.Remove(older);
        }

        var dropped = "";
        Rewrite(
            store,
            head =>
            {
                var segments = head["segments"]!.AsArray();
                var victim = segments.First(s => (long)s!["firstOffset"]! == 10 && (int)s["partition"]! == 0)!;
                dropped = (string)victim["key"]!;
                segments.Remove(victim);
                head["segmentCount"] = (long)head["segmentCount"]! - 1;
            }
        );
        return dropped;
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
