using System.Buffers.Binary;
using System.Text;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Foreign;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Restore;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Records;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

/// <summary>
/// Files that others may have written, mutated at random: KAFKABACKUP_TEST_FUZZ says how many of each. No crash, no hang, no memory beyond
/// ten times the input and 64 MB, never Unexpected.
/// </summary>
[Trait("Run", "Long")]
public sealed class HostileBytesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kb-hostile-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void K_mutated_segments_are_records_or_damage(byte compression)
    {
        byte[][] sound =
        [
            KbakImage.Write([.. new HostileRecords(3).List(8)], compression),
            KbakImage.Write([.. new HostileRecords(4).List(40)], compression),
            KbakImage.Write([TestRecord.Text(0, "k", new string('v', 3000))], compression),
            KbakImage.Write([], compression),
        ];
        new MutationFuzzer(71 + compression, sound, ["KBAK"u8.ToArray(), "BKAE"u8.ToArray(), [0x28, 0xB5, 0x2F, 0xFD]], Seal).Run(
            MutationFuzzer.Rounds,
            async bytes =>
            {
                using var pool = new BlockBufferPool(8 << 20);
                try
                {
                    await foreach (
                        var block in SegmentFile.ReadBlocksAsync("s", SegmentImage.Source(bytes), bytes.Length, pool, null, 0, default)
                    )
                    {
                        using (block)
                        {
                            foreach (var record in block)
                            {
                                _ = record.PayloadBytes;
                            }
                        }
                    }
                }
                catch (SegmentDamagedException)
                {
                    // Found.
                }
            }
        );
    }

    /// <summary>One each: a resolver keeps the files that it has read, as what they were read for.</summary>
    private OptionsResolver NewResolver() => new(_folder, SilentEvents.Instance, TimeProvider.System, _ => null);

    [Fact]
    public void K_mutated_manifests_are_manifests_or_damage()
    {
        const string Sound = """
            {"backup_id":"b","created_at":1705312800000,"source_cluster_id":"c","compression":"zstd","topics":[{"name":"orders","original_partition_count":4,"partitions":[{"partition_id":1,
            "segments":[{"key":"b/topics/orders/partition=1/segment-000001.bin","start_offset":5,"end_offset":99,"start_timestamp":1,"end_timestamp":2,"record_count":95,"uncompressed_size":900,"compressed_size":300}],
            "gaps":[{"start_offset":100,"end_offset":200,"reason":"retention","detected_at":1705312800001}]}]},{"name":"empty","partitions":[]}]}
            """;
        string[] words =
        [
            "\"original_partition_count\":",
            "\"partition_id\":",
            "\"record_count\":",
            "\"gaps\":",
            "9223372036854775807",
            "100000",
        ];
        new MutationFuzzer(
            81,
            [Encoding.UTF8.GetBytes(Sound), """{"backup_id":"b","created_at":1,"topics":[]}"""u8.ToArray()],
            [.. words.Select(Encoding.UTF8.GetBytes)]
        ).Run(
            MutationFuzzer.Rounds,
            bytes =>
            {
                ForeignManifest.IsOne(bytes);
                ForeignManifest.Parse(bytes, "b/manifest.json");
                return Task.CompletedTask;
            }
        );
    }

    [Fact]
    public void A2_mutated_configuration_files_are_settings_or_refused()
    {
        const string Backup = """
            mode: backup
            backup_id: nightly
            source:
              bootstrap_servers: ["localhost:9092", &b 'other:9092', *b]
              security: {security_protocol: SASL_SSL, sasl_mechanism: PLAIN, sasl_username: u, sasl_password: "${NONE:-x}"}
              topics: {include: ["orders-*", "~^pay"], exclude: [a]}
              kafka_options: {socket.keepalive.enable: true}
            storage: {backend: filesystem, path: ./store}
            backup:
              compression: zstd
              start_offset: {orders: {0: 5, 1: 6}}
              consistent_at: 1705312800000
              rate_limit_bytes_per_sec: 64MB
            """;
        const string Restore = """
            mode: restore
            backup_id: nightly
            target:
              bootstrap_servers: [localhost:9092]
            storage: {backend: s3, bucket: my-bucket, prefix: a/b, region: eu-central-1}
            restore:
              topic_mapping: {orders: copy}
              partition_mapping: {0: 1}
              time_window_start: 1705312800000
              topic_config_overrides: {retention.ms: "-1", orders: {a: b}}
              consumer_groups: [g, '~^h']
              reset_consumer_offsets: true
            """;
        string[] words =
        [
            "&a ",
            "*a",
            "- ",
            "? ",
            "| \n",
            "> \n",
            "!!str ",
            "<<: ",
            "${X}",
            "$${",
            "~(",
            "---\n",
            "...\n",
            "\t",
            "'",
            "\"",
            "{",
            "}",
            "[",
            "]",
            "# ",
            "%YAML 1.1\n",
            "\u0085",
            "\ufeff",
        ];
        var path = Path.Combine(_folder, "config.yaml");
        new MutationFuzzer(
            91,
            [Encoding.UTF8.GetBytes(Backup), Encoding.UTF8.GetBytes(Restore)],
            [.. words.Select(Encoding.UTF8.GetBytes)]
        ).Run(
            MutationFuzzer.Rounds,
            bytes =>
            {
                File.WriteAllBytes(path, bytes);
                Refusable(() => NewResolver().Resolve(new BackupSettings { ConfigPath = path }));
                NewResolver().Resolve(new RestoreSettings { ConfigPath = path });
                return Task.CompletedTask;
            }
        );
    }

    [Fact]
    public void E3_mutated_checkpoints_are_checkpoints_or_refused()
    {
        var path = Path.Combine(_folder, "checkpoint.json");
        var fingerprint = new RestoreOptions
        {
            Target = null,
            Store = new StoreSettings { Path = "/s" },
            BackupId = "b",
            Topics = TopicSelection.All,
        }.Fingerprint;
        new CheckpointFile(path).Write(
            new Checkpoint
            {
                Version = 1,
                BackupId = "b",
                StartTime = 1,
                LastCheckpointTime = 2,
                SegmentsCompleted = ["s"],
                SegmentsInProgress = [new SegmentProgress("t", 3)],
                RecordsRestored = 4,
                BytesRestored = 5,
                ConfigHash = fingerprint.Hash,
                Config = fingerprint.Entries,
                TargetClusterId = "c",
                Generation = 6,
                Targets =
                [
                    new CheckpointTarget(
                        "orders",
                        0,
                        7,
                        8,
                        9,
                        [
                            [0, 0, 5, 7, 5, 2],
                        ],
                        new TargetSequence(3, 1, 2)
                    ),
                ],
                Plan = [new CheckpointSource("orders", 0, 0, 9, 8, 4, [new OffsetSpan(2, 3)])],
            }
        );
        new MutationFuzzer(101, [File.ReadAllBytes(path), "{}"u8.ToArray()]).Run(
            MutationFuzzer.Rounds,
            bytes =>
            {
                File.WriteAllBytes(path, bytes);
                var file = new CheckpointFile(path);
                var checkpoint = file.Read()!;
                Refusable(() => file.RequireSameSettings(checkpoint, fingerprint));
                _ = checkpoint.Plan.ToDictionary(p => new TopicPartition(p.Topic, p.Partition), p => p.LeftOut.Count);
                _ = checkpoint.Targets.ToDictionary(
                    t => new TopicPartition(t.Topic, t.Partition),
                    t => t.Maps?.Select(m => new OffsetMap(m.Chunk(3).Select(r => new OffsetRange(r[0], r[1], r[2])))).ToArray()
                );
                file.RequireSameTarget(checkpoint, "c");
                return Task.CompletedTask;
            }
        );
    }

    [Fact]
    public void F5_mutated_offset_reports_are_reports_or_refused()
    {
        var path = Path.Combine(_folder, "offsets.json");
        new OffsetReport
        {
            Version = 1,
            BackupId = "b",
            CreatedAt = DateTimeOffset.UnixEpoch,
            Target = "h:1",
            Partitions =
            [
                new MappedPartition(
                    "orders",
                    0,
                    "copy",
                    1,
                    1,
                    2,
                    [
                        [0, 0, 5],
                        [7, 5, 2],
                    ]
                ),
            ],
            Groups = [new MappedGroup("g", [new MappedGroupOffset("orders", 0, 5, "m")])],
        }.Write(path);
        new MutationFuzzer(111, [File.ReadAllBytes(path), "{}"u8.ToArray()]).Run(
            MutationFuzzer.Rounds,
            bytes =>
            {
                File.WriteAllBytes(path, bytes);
                var report = OffsetReport.Read(path);
                foreach (var partition in report.Partitions)
                {
                    var map = partition.ToMap();
                    _ = (map.Records, map.Translate(0), map.Translate(long.MaxValue - 1), partition.SourceTopic.Length);
                }

                _ = report.Groups.Sum(g => g.Offsets.Count + g.Group.Length);
                return Task.CompletedTask;
            }
        );
    }

    /// <summary>The checksum over everything before it, and the mark at the end.</summary>
    private static byte[] Seal(byte[] bytes)
    {
        if (bytes.Length >= KbakHeader.FooterSize)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(
                bytes.AsSpan(bytes.Length - KbakHeader.FooterSize),
                System.IO.Hashing.Crc32.HashToUInt32(bytes.AsSpan(0, bytes.Length - KbakHeader.FooterSize))
            );
            KbakHeader.EndMagic.CopyTo(bytes.AsSpan(bytes.Length - 4));
        }

        return bytes;
    }

    private static void Refusable(Action action)
    {
        try
        {
            action();
        }
        catch (KafkaBackupException error) when (error.Definition != ErrorIds.Unexpected)
        {
            // What comes next is tried too.
        }
    }
}
