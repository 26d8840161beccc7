namespace KafkaBackup.Engine.Restore;

/// <summary>Looks records of the plan up: one by its number, or where all of the first ones came from.</summary>
internal static class PlanRecords
{
    /// <summary>Hands the n-th record of the plan to the test.</summary>
    public static async Task<bool> TestAsync(RecordStream stream, long index, RecordTest test, CancellationToken cancel)
    {
        await foreach (var block in stream.ReadAsync(index, cancel).ConfigureAwait(false))
        {
            using (block)
            {
                return TestAt(block, test);
            }
        }

        return false;
    }

    /// <summary>
    /// The offset maps of the first so many records, whose target offsets are contiguous from the start. Whole segments without holes need
    /// no reading; blocks neither.
    /// </summary>
    public static async Task<IReadOnlyList<OffsetMap>> MapsAsync(
        TargetWork work,
        RecordStream stream,
        long start,
        long count,
        CancellationToken cancel
    )
    {
        var maps = work.Sources.Select(_ => new OffsetMap()).ToArray();
        long index = 0;
        for (var s = 0; s < work.Sources.Count && index < count; s++)
        {
            foreach (var segment in work.Sources[s].Segments)
            {
                if (index >= count)
                {
                    break;
                }

                var take = Math.Min(segment.RecordCount, count - index);
                if (segment.Whole && segment.LastOffset - segment.FirstOffset + 1 == segment.RecordCount)
                {
                    maps[s].Add(segment.FirstOffset, start + index, take);
                }
                else
                {
                    await MapSegmentAsync(stream, work.Sources[s], segment, index, start, count, maps[s], cancel).ConfigureAwait(false);
                }

                index += take;
            }
        }

        return maps;
    }

    private static async Task MapSegmentAsync(
        RecordStream stream,
        SourceWork source,
        SegmentWork segment,
        long index,
        long start,
        long count,
        OffsetMap map,
        CancellationToken cancel
    )
    {
        await foreach (var block in stream.ReadSegmentAsync(source, segment, index, index, cancel).ConfigureAwait(false))
        {
            using (block)
            {
                if (!MapBlock(block, start, count, map))
                {
                    return;
                }
            }
        }
    }

    private static bool MapBlock(StreamBlock block, long start, long count, OffsetMap map)
    {
        var index = block.FirstIndex;
        foreach (var record in block.Block)
        {
            if (!block.Takes(record))
            {
                continue;
            }

            if (index >= count)
            {
                return false;
            }

            map.Add(record.Offset, start + index);
            index++;
        }

        return true;
    }

    private static bool TestAt(StreamBlock block, RecordTest test)
    {
        var skip = block.Skip;
        foreach (var record in block.Block)
        {
            if (block.Takes(record) && skip-- == 0)
            {
                return test(record);
            }
        }

        return false;
    }
}
