using System.Globalization;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Where the records of finished transactions lie. Markers take offsets too, so the places cannot be worked out: the target is read,
/// committed records only, and each is compared with the plan's. What a checkpoint knows already is not read again.
/// </summary>
internal sealed class TransactionalMaps(RestoreScope scope, TargetLog log)
{
    /// <summary>An open transaction of another producer may be waited for so long.</summary>
    private static readonly TimeSpan OpenPatience = TimeSpan.FromSeconds(20);

    /// <param name="logStart">What lay before was deleted; what is left is compared with the last records of the plan.</param>
    /// <param name="count">Records that this restore brought.</param>
    /// <param name="known">Of the first of them; null for none.</param>
    /// <returns>And where the log ends: no committed record before that is unaccounted for.</returns>
    public async Task<(IReadOnlyList<OffsetMap> Maps, long Behind)> FindAsync(
        TargetWork target,
        RecordStream stream,
        long start,
        long logStart,
        long count,
        IReadOnlyList<OffsetMap>? known,
        CancellationToken cancel
    )
    {
        var maps = known ?? target.Sources.Select(_ => new OffsetMap()).ToArray();
        var done = maps.Sum(m => m.Records);
        if (done > count)
        {
            throw LaneChecks.Changed(
                scope,
                target,
                FormattableString.Invariant($"its progress says {count:N0} records, the checkpoint {done:N0}")
            );
        }

        var next = start;
        if (done > 0)
        {
            var last = maps.Last(m => !m.IsEmpty).Ranges[^1];
            next = last.TargetStart + last.Length;
            if (next > logStart)
            {
                await LaneChecks.RequireRecordAsync(scope, log, stream, target, done - 1, next - 1, cancel).ConfigureAwait(false);
            }
        }

        var (end, isOpen) = await log.SettledEndAsync(target, OpenPatience, cancel).ConfigureAwait(false);
        if (isOpen)
        {
            LaneChecks.RequireNoOpenTransaction(scope, target, end);
        }
        else if (end < next)
        {
            throw LaneChecks.Changed(scope, target, $"its log ends at offset {end}, and this restore had written up to offset {next - 1}");
        }

        var from = Math.Max(next, logStart);
        var left = from == next ? count - done : Math.Min(count - done, await CountAsync(target, from, end, cancel).ConfigureAwait(false));
        var found = from < end ? await MatchAsync(target, stream, from, end, maps, count - left, left, cancel).ConfigureAwait(false) : 0;
        return found == left
            ? (maps, Math.Max(end, from))
            : throw LaneChecks.Changed(
                scope,
                target,
                FormattableString.Invariant(
                    $"from offset {from} to {end} it holds {found:N0} of {left:N0} records that this restore brought"
                )
            );
    }

    /// <summary>Of committed records.</summary>
    private async Task<long> CountAsync(TargetWork target, long from, long end, CancellationToken cancel)
    {
        long count = 0;
        if (from >= end)
        {
            return count;
        }

        await Task.Run(
                () =>
                    new CommittedRecords(scope).Read(
                        target.Target,
                        from,
                        end,
                        () => int.MaxValue,
                        (in RecordView _) =>
                        {
                            count++;
                            return true;
                        },
                        cancel
                    ),
                cancel
            )
            .ConfigureAwait(false);
        return count;
    }

    /// <summary>Adds to the maps where the plan's records from that number on lie, and says how many there are.</summary>
    private async Task<long> MatchAsync(
        TargetWork target,
        RecordStream stream,
        long from,
        long end,
        IReadOnlyList<OffsetMap> maps,
        long index,
        long count,
        CancellationToken cancel
    )
    {
        var feed = new BlockFeed(stream, index, cancel);
        await using (feed.ConfigureAwait(false))
        {
            var match = new Match(scope, target, feed, maps, count);
            var records = new CommittedRecords(scope);
            await Task.Run(() => records.Read(target.Target, from, end, () => match.Expect(cancel), match.Take, cancel), cancel)
                .ConfigureAwait(false);
            RequireNoStranger(scope, target, match.Strangers, match.FirstStranger);
            return match.Found;
        }
    }

    /// <summary>What else was committed to the partition is an error; with -Force a warning.</summary>
    public static void RequireNoStranger(RestoreScope scope, TargetWork target, long strangers, long first)
    {
        if (strangers == 0)
        {
            return;
        }

        var number = strangers.ToString("N0", CultureInfo.InvariantCulture);
        if (!scope.Options.Force)
        {
            throw LaneChecks.Changed(
                scope,
                target,
                $"{number} committed records in it are not of this restore, the first at offset {first}"
            );
        }

        scope.Events.Warning(
            $"Target partition {target.Target} holds {number} committed records that are not of this restore, the first at offset {first}: "
                + "something else writes to it. The restore goes on, because -Force was given."
        );
    }

    /// <summary>Goes through the target's records and the plan's side by side.</summary>
    private sealed class Match(RestoreScope scope, TargetWork target, BlockFeed feed, IReadOnlyList<OffsetMap> maps, long count)
    {
        private readonly Queue<(int Source, long Offset, ExpectedRecord Record)> _expected = new();
        private readonly OriginalHeaders _originals = new();
        private long _taken;

        public long Found { get; private set; }

        public long Strangers { get; private set; }

        public long FirstStranger { get; private set; } = -1;

        /// <summary>So many records can be compared before more of the plan has to be read.</summary>
        public int Expect(CancellationToken cancel)
        {
            while (_expected.Count == 0 && _taken < count && feed.Next(cancel) is { } block)
            {
                using (block)
                {
                    Keep(block);
                }
            }

            return Math.Max(1, _expected.Count);
        }

        public bool Take(in RecordView record)
        {
            if (_expected.TryPeek(out var next) && next.Record.IsIn(record))
            {
                _expected.Dequeue();
                maps[next.Source].Add(next.Offset, record.Offset);
                Found++;
            }
            else
            {
                FirstStranger = Strangers++ == 0 ? record.Offset : FirstStranger;
            }

            return true;
        }

        private void Keep(StreamBlock block)
        {
            var source = target.Sources.ToList().IndexOf(block.Source);
            var skip = block.Skip;
            foreach (var record in block.Block)
            {
                if (!block.Takes(record) || skip-- > 0)
                {
                    continue;
                }

                if (_taken++ >= count)
                {
                    return;
                }

                var extra = scope.Options.IncludeOriginalOffsetHeader ? _originals.For(record.Offset, record.Timestamp) : default;
                _expected.Enqueue((source, record.Offset, new ExpectedRecord(record, extra, !target.TargetStampsRecords)));
            }
        }
    }
}
