using System.Text;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Tests.Verify;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;

namespace KafkaBackup.Engine.Tests.Catalog;

/// <summary>Manifests with a right checksum that no version of this tool writes.</summary>
public sealed class HostileManifestTests
{
    public static TheoryData<string, string> Lies { get; } =
        new()
        {
            { "\"runs\": [", "\"runs\": null, \"x\": [" },
            { "\"segments\": [", "\"segments\": [ null, " },
            { "\"segments\": [", "\"segments\": null, \"x\": [" },
            { "\"topicPages\": [", "\"topicPages\": [ null, " },
            { "\"retired\": [", "\"retired\": [ { \"generation\": 1, \"page\": null }, " },
            { "\"requestedTopics\": [", "\"requestedTopics\": [ null, " },
            { "\"key\": \"topics/", "\"key\": \"../topics/" },
            { "\"key\": \"topics/", $"\"key\": \"topics/{new string('x', 300)}/" },
            { "\"recordCount\": 10,", "\"recordCount\": 9223372036854775807," },
            { "\"storedBytes\": ", "\"storedBytes\": 9000000000000000000" },
            { "\"firstOffset\": 0", "\"firstOffset\": -5" },
            { "\"lastOffset\": 9,", "\"lastOffset\": 9223372036854775807," },
            { "\"topic\": \"orders\"", "\"topic\": \"../orders\"" },
            { "\"partition\": 1,", "\"partition\": 2147483647," },
            { "\"state\": \"Complete\"", "\"state\": 77" },
            { "\"runId\": \"run-1\"", "\"runId\": null" },
            { "\"segmentCount\": ", "\"segmentCount\": -" },
        };

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task C2_a_hostile_manifest_is_damage_of_its_backup_and_the_others_go_on(string find, string lie)
    {
        var store = new MemoryStore();
        await SmallBackup.WriteAsync(store, 1, "good");
        await SmallBackup.WriteAsync(store, 1, "bad");
        foreach (var older in HeadKeys(store, "bad")[..^2])
        {
            store.Remove(older);
        }

        Assert.True(HeadKeys(store, "bad").Select(k => Rewrite(store, k, find, lie)).ToArray().Any(changed => changed), find);
        var events = new RecordingEvents();
        var engine = SmallBackup.EngineOn(store, events);

        var listed = new List<string>();
        await foreach (var info in engine.GetBackupsAsync(SmallBackup.Settings, "*", null, default))
        {
            listed.Add($"{info.BackupId} {info.RecordCount}");
        }

        Assert.Equal(["good 20"], listed);
        Assert.Equal(ReportStatus.Valid, (await SmallBackup.CheckAsync(store, id: "good")).Status);
        Assert.Equal(ReportStatus.Invalid, (await SmallBackup.CheckAsync(store, id: "bad")).Status);
        await SmallBackup.RemoveAsync(store, new RemoveSettings { BackupId = "bad", Force = true });
        Assert.DoesNotContain(store.Keys, k => k.StartsWith("bad/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task C2_a_head_with_a_number_that_no_backup_reaches_does_not_count()
    {
        foreach (var name in new[] { "09223372036854775807", "09999999999999999999", "00002000000000000000" })
        {
            var store = new MemoryStore();
            await SmallBackup.WriteAsync(store, 2);
            var head = HeadKeys(store, SmallBackup.Id)[^1];
            store[$"{SmallBackup.Id}/manifest/{name}.json"] = store[head];

            var report = await SmallBackup.CheckAsync(store);
            Assert.Equal((ReportStatus.ValidWithWarnings, 40L), (report.Status, report.RecordCount));

            await using (
                var session = await BackupSession.BeginAsync(new BackupCatalog(store), SmallBackup.Id, ManifestSamples.Options(), default)
            )
            {
                await session.CommitAsync(session.Manifest!, default);
            }

            Assert.Equal(4, (await SmallBackup.ManifestAsync(store)).Generation);
            await SmallBackup.RepairAsync(store);
            Assert.DoesNotContain(store.Keys, k => k.Contains(name, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task C2_sums_over_several_segments_that_overflow_are_damage()
    {
        var store = new MemoryStore();
        await SmallBackup.WriteAsync(store, 1);
        foreach (var key in HeadKeys(store, SmallBackup.Id))
        {
            Rewrite(store, key, "\"bytes\": ", "\"bytes\": 9000000000000000");
        }

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => new BackupCatalog(store).OpenAsync(SmallBackup.Id, default));
        Assert.Equal(ErrorIds.ManifestDamaged.Id, error.ErrorId);
    }

    private static string[] HeadKeys(MemoryStore store, string id) =>
        [.. store.Keys.Where(k => k.StartsWith($"{id}/manifest/0", StringComparison.Ordinal)), $"{id}/manifest.json"];

    private static bool Rewrite(MemoryStore store, string key, string find, string with)
    {
        var text = Encoding.UTF8.GetString(store[key]);
        var changed = text.Replace(find, with, StringComparison.Ordinal);
        store[key] = Seal(Encoding.UTF8.GetBytes(changed));
        return changed != text;
    }

    /// <summary>With the checksum made right, as somebody does who can write to the store.</summary>
    internal static byte[] Seal(byte[] head)
    {
        var at = head.AsSpan(0, Math.Min(256, head.Length)).IndexOf("\"sha256\": \""u8);
        if (at < 0 || at + 11 + 64 > head.Length)
        {
            return head;
        }

        head.AsSpan(at + 11, 64).Fill((byte)'0');
        Encoding.ASCII.GetBytes(ManifestFile.Hash(head)).CopyTo(head, at + 11);
        return head;
    }
}
