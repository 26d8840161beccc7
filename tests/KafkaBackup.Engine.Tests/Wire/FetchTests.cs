using System.Buffers.Binary;
using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Messages;
using KafkaBackup.LocalBroker;
using static KafkaBackup.Engine.Tests.Wire.WireTesting;
using LocalApi = KafkaBackup.LocalBroker.ApiKey;

namespace KafkaBackup.Engine.Tests.Wire;

public sealed class FetchTests
{
    public static TheoryData<short> FetchVersions => [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17];

    [Theory]
    [MemberData(nameof(FetchVersions))]
    public async Task L1_records_are_the_brokers_own_bytes_in_every_version_and_no_copy(short version)
    {
        await using var local = LocalCluster.Start(Speaking(version));
        local.CreateTopic("t");
        local.Append("t", 0, LocalRecord.Of("a", "1"), LocalRecord.Of("b", "2"));
        local.Append("t", 0, [LocalRecord.Of("c", new string('x', 300_000))], LocalCodec.Gzip);
        var options = Options(local);
        await using (var cluster = new WireCluster(options))
        {
            await cluster.ConnectAsync(CancellationToken.None);
            var answer = await cluster.AskAsync(1, 1, Fetch(local, "t", 0), CancellationToken.None);
            Assert.Equal(version, local.Requests.Of(LocalApi.Fetch).Single().Version);
            var partition = Only(answer);
            Assert.Equal(
                (WireErrorCode.None, 3, 3, version >= 5 ? 0 : -1),
                (partition.Error, partition.HighWatermark, partition.LastStableOffset, partition.LogStart)
            );
            Assert.Equal([(0, 2), (2, 1)], Batches(partition.Records).Select(b => ((int)b.Offset, b.Count)));
            Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray(partition.Records, out var records));
            Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray(answer.Buffer!.Memory, out var whole));
            Assert.Same(whole.Array, records.Array);

            // Somebody else may still work on the records.
            answer.Buffer.Retain();
            var held = answer.Buffer;
            answer.Dispose();
            answer.Dispose();
            Assert.Equal(1, options.Buffers!.Outstanding);
            Assert.Equal([(0, 2), (2, 1)], Batches(partition.Records).Select(b => ((int)b.Offset, b.Count)));
            held.Release();
            Assert.Equal(0, options.Buffers.Outstanding);
            Assert.Throws<ObjectDisposedException>(() => held.Memory);
            Assert.Throws<ObjectDisposedException>(held.Retain);
        }
    }

    [Fact]
    public async Task A_batch_larger_than_asked_for_arrives_whole()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("t");
        local.Append("t", 0, LocalRecord.Of("c", new string('x', 200_000)));
        await using var cluster = new WireCluster(Options(local));
        await cluster.ConnectAsync(CancellationToken.None);
        using var answer = await cluster.AskAsync(1, 1, Fetch(local, "t", 0, maxBytes: 100), CancellationToken.None);
        Assert.InRange(Only(answer).Records.Length, 200_000, 201_000);
    }

    [Theory]
    [InlineData(6)]
    [InlineData(17)]
    public async Task B2_aborted_transactions_and_the_last_stable_offset_come_with_the_records(short version)
    {
        await using var local = LocalCluster.Start(Speaking(version));
        local.CreateTopic("t");
        var aborted = local.BeginTransaction();
        aborted.Append("t", 0, LocalRecord.Of("a", "1"));
        aborted.Abort();
        var open = local.BeginTransaction();
        open.Append("t", 0, LocalRecord.Of("b", "2"));
        local.Append("t", 0, LocalRecord.Of("c", "3"));
        await using var cluster = new WireCluster(Options(local));
        await cluster.ConnectAsync(CancellationToken.None);
        using var committed = await cluster.AskAsync(1, 1, Fetch(local, "t", 0, committed: true), CancellationToken.None);
        Assert.Equal((4L, 2L), (Only(committed).HighWatermark, Only(committed).LastStableOffset));
        Assert.Equal(0, Assert.Single(Only(committed).Aborted).FirstOffset);
        Assert.Equal([0L, 1L], Batches(Only(committed).Records).Select(b => b.Offset));
        using var all = await cluster.AskAsync(1, 1, Fetch(local, "t", 0), CancellationToken.None);
        Assert.Empty(Only(all).Aborted);
        Assert.Equal(4, Batches(Only(all).Records).Count);
    }

    [Fact]
    public async Task L4_a_recreated_topic_is_noticed_in_the_very_answer()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("t");
        await using var cluster = new WireCluster(Options(local));
        await cluster.ConnectAsync(CancellationToken.None);
        var old = Fetch(local, "t", 0);
        local.RecreateTopic("t");
        local.Append("t", 0, LocalRecord.Of("a", "1"));
        using var answer = await cluster.AskAsync(1, 1, old, CancellationToken.None);
        Assert.Equal(WireErrorCode.UnknownTopicId, Only(answer).Error);
        Assert.Equal(old.Topics.Single().Id, answer.Topics[0].Id);
    }

    [Fact]
    public async Task L4_a_truncated_log_names_the_offset_where_it_went_another_way()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("t");
        for (var i = 0; i < 10; i++)
        {
            local.Append("t", 0, LocalRecord.Of("k", $"{i}"));
        }

        local.Truncate("t", 0, 6);
        local.MoveLeader("t", 0, 1);
        for (var i = 0; i < 20; i++)
        {
            local.Append("t", 0, LocalRecord.Of("k", $"new {i}"));
        }

        await using var cluster = new WireCluster(Options(local));
        var leader = await cluster.LeaderAsync("t", 0, CancellationToken.None);
        using var answer = await cluster.AskAsync(1, 1, Fetch(local, "t", 10, leader.Epoch, lastEpoch: 0), CancellationToken.None);
        Assert.Equal(WireErrorCode.None, Only(answer).Error);
        Assert.Equal(new EpochOffset(0, 6), Only(answer).Diverging);
        Assert.True(Only(answer).Records.IsEmpty);
        using var same = await cluster.AskAsync(1, 1, Fetch(local, "t", 10, leader.Epoch, lastEpoch: leader.Epoch), CancellationToken.None);
        Assert.Null(Only(same).Diverging);
        Assert.Equal(10, Batches(Only(same).Records)[0].Offset);
    }

    [Fact]
    public async Task A_reader_that_says_where_it_is_gets_sent_to_the_nearer_replica()
    {
        await using var local = LocalCluster.Start(
            new LocalClusterOptions
            {
                Brokers = 3,
                Racks = new Dictionary<int, string>
                {
                    [1] = "a",
                    [2] = "b",
                    [3] = "c",
                },
            }
        );
        local.CreateTopic("t", 1, replicationFactor: 3);
        local.MoveLeader("t", 0, 1);
        local.Append("t", 0, LocalRecord.Of("k", "v"));
        await using var cluster = new WireCluster(Options(local));
        var leader = await cluster.LeaderAsync("t", 0, CancellationToken.None);
        Assert.Equal(["a", "b", "c"], cluster.Brokers.OrderBy(b => b.Id).Select(b => b.Rack));
        Assert.Equal(2, (await FetchFrom(1, "b")).PreferredReplica);
        Assert.Equal((-1, 1), ((await FetchFrom(2, "b")).PreferredReplica, Batches((await FetchFrom(2, "b")).Records).Count));
        Assert.Equal((-1, 1), ((await FetchFrom(1, "a")).PreferredReplica, Batches((await FetchFrom(1, "a")).Records).Count));
        Assert.Equal(-1, (await FetchFrom(1, "nowhere")).PreferredReplica);

        async Task<FetchedPartition> FetchFrom(int broker, string rack)
        {
            var answer = await cluster.AskAsync(
                broker,
                1,
                new FetchRequest
                {
                    MaxWait = TimeSpan.FromMilliseconds(10),
                    MaxBytes = 1000,
                    ReadCommitted = false,
                    Rack = rack,
                    Topics = [new("t", leader.TopicId, [new(0, 0, 1000, leader.Epoch)])],
                },
                CancellationToken.None
            );
            return Only(answer);
        }
    }

    [Theory]
    [InlineData(17, 1000)]
    [InlineData(12, 1000)]
    [InlineData(17, 0)]
    [InlineData(6, 1000)]
    public async Task A_session_reads_everything_and_names_only_what_changed(short version, int sessions)
    {
        const int partitions = 40;
        await using var local = LocalCluster.Start(
            new LocalClusterOptions
            {
                NewestVersions = new Dictionary<LocalApi, short> { [LocalApi.Fetch] = version },
                FetchSessions = sessions,
            }
        );
        local.CreateTopic("t", partitions);
        for (var p = 0; p < partitions; p++)
        {
            for (var i = 0; i < 5; i++)
            {
                local.Append("t", p, LocalRecord.Of("k", new string('x', 1000)));
            }
        }

        await using var cluster = new WireCluster(Options(local));
        await cluster.ConnectAsync(CancellationToken.None);
        var session = new FetchSession();
        var at = new long[partitions];
        for (var p = 0; p < partitions; p++)
        {
            session.Put("t", local.TopicId("t"), new FetchPartition(p, 0, 3000));
        }

        var rounds = 0;
        while (session.Count > 0)
        {
            Assert.True(++rounds < 500, "no end");
            using var answer = await cluster.AskAsync(1, 1, session.Next(Template(maxBytes: 20_000), version), CancellationToken.None);
            Assert.True(session.Answered(answer));
            foreach (var topic in answer.Topics)
            {
                Assert.Equal("t", session.NameOf(topic));
                foreach (var partition in topic.Partitions)
                {
                    foreach (var batch in Batches(partition.Records))
                    {
                        Assert.Equal(at[partition.Index], batch.Offset);
                        at[partition.Index] += batch.Count;
                    }

                    if (at[partition.Index] == 5)
                    {
                        session.Remove("t", partition.Index);
                    }
                    else if (!partition.Records.IsEmpty)
                    {
                        session.Put(
                            "t",
                            topic.Id == Guid.Empty ? local.TopicId("t") : topic.Id,
                            new FetchPartition(partition.Index, at[partition.Index], 3000)
                        );
                    }
                }
            }
        }

        Assert.All(at, end => Assert.Equal(5, end));
        var asked = local.Requests.Of(LocalApi.Fetch);
        Assert.Equal(partitions, asked[0].Partitions.Count);
        if (version >= 7 && sessions > 0)
        {
            Assert.Equal(1, local.FetchSessionsOf(1));
            Assert.All(asked.Skip(1), request => Assert.InRange(request.Partitions.Count, 0, 25));
        }
        else
        {
            Assert.Equal(0, session.Id);
            Assert.True(asked.Sum(request => request.Partitions.Count) > partitions * 2);
        }
    }

    [Fact]
    public async Task A_session_that_the_broker_lost_begins_again_with_all_partitions()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { FetchSessions = 1 });
        local.CreateTopic("t", 3);
        await using var cluster = new WireCluster(Options(local));
        await cluster.ConnectAsync(CancellationToken.None);
        var mine = Begin();
        var other = Begin();
        Assert.True(await Ask(mine));
        Assert.True(await Ask(mine));
        Assert.Empty(local.Requests.Of(LocalApi.Fetch)[^1].Partitions);
        Assert.True(await Ask(other)); // which takes the only place
        Assert.False(await Ask(mine));
        Assert.True(await Ask(mine));
        Assert.Equal(3, local.Requests.Of(LocalApi.Fetch)[^1].Partitions.Count);

        FetchSession Begin()
        {
            var session = new FetchSession();
            for (var p = 0; p < 3; p++)
            {
                session.Put("t", local.TopicId("t"), new FetchPartition(p, 0, 1000));
            }

            return session;
        }

        async Task<bool> Ask(FetchSession session)
        {
            using var answer = await cluster.AskAsync(1, 1, session.Next(Template(1000), 17), CancellationToken.None);
            return session.Answered(answer);
        }
    }

    [Fact]
    public void A_session_keeps_what_changed_between_a_request_and_its_answer()
    {
        var id = Guid.NewGuid();
        var session = new FetchSession();
        session.Put("t", id, new FetchPartition(0, 0, 10));
        session.Put("t", id, new FetchPartition(1, 0, 10));
        session.Next(Template(10), 17);
        session.Put("t", id, new FetchPartition(0, 5, 10));
        session.Remove("t", 1);
        session.Answered(new FetchResponse(TimeSpan.Zero, WireErrorCode.None, 9, [], [], null));
        var next = session.Next(Template(10), 17);
        Assert.Equal((9, 1), (next.SessionId, next.SessionEpoch));
        Assert.Equal(5, Assert.Single(Assert.Single(next.Topics).Partitions).FetchOffset);
        Assert.Equal([1], Assert.Single(next.Forgotten).Partitions);
        session.Answered(new FetchResponse(TimeSpan.Zero, WireErrorCode.None, 9, [], [], null));
        Assert.Empty(session.Next(Template(10), 17).Topics);

        // A recreated topic has another id: the old one leaves, the new one comes.
        session.Answered(new FetchResponse(TimeSpan.Zero, WireErrorCode.None, 9, [], [], null));
        var newer = Guid.NewGuid();
        session.Put("t", newer, new FetchPartition(0, 0, 10));
        var last = session.Next(Template(10), 17);
        Assert.Equal((newer, id), (last.Topics.Single().Id, last.Forgotten.Single().Id));
        Assert.Equal(3, last.SessionEpoch);
    }

    [Fact]
    public void L4_a_recreated_topic_stays_in_a_session_that_goes_by_name()
    {
        var session = new FetchSession();
        session.Put("t", Guid.NewGuid(), new FetchPartition(0, 7, 10));
        session.Put("u", Guid.NewGuid(), new FetchPartition(0, 0, 10));
        session.Next(Template(10), 12);
        session.Answered(new FetchResponse(TimeSpan.Zero, WireErrorCode.None, 9, [], [], null));
        session.Put("t", Guid.NewGuid(), new FetchPartition(0, 0, 10));
        session.Remove("u", 0);
        var next = session.Next(Template(10), 12);
        Assert.Equal(("t", 0L), (next.Topics.Single().Name, next.Topics.Single().Partitions.Single().FetchOffset));
        Assert.Equal("u", Assert.Single(next.Forgotten).Name);
    }

    internal static FetchRequest Template(int maxBytes) =>
        new()
        {
            MaxWait = TimeSpan.Zero,
            MaxBytes = maxBytes,
            ReadCommitted = false,
            Topics = [],
        };

    internal static LocalClusterOptions Speaking(short fetchVersion) =>
        new() { NewestVersions = new Dictionary<LocalApi, short> { [LocalApi.Fetch] = fetchVersion } };

    internal static List<(long Offset, int Count)> Batches(ReadOnlyMemory<byte> records)
    {
        var batches = new List<(long, int)>();
        for (var rest = records.Span; rest.Length >= 61;)
        {
            batches.Add((BinaryPrimitives.ReadInt64BigEndian(rest), BinaryPrimitives.ReadInt32BigEndian(rest[57..])));
            rest = rest[(12 + BinaryPrimitives.ReadInt32BigEndian(rest[8..]))..];
        }

        return batches;
    }
}
