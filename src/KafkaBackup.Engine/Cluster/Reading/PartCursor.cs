using System.Buffers.Binary;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Goes through the batches of one part of an answer: checks each, turns messages of old formats into batches, and leaves out control
/// batches and, for read_committed, those of aborted transactions. For the thread that polls.
/// </summary>
internal sealed class PartCursor(bool readCommitted, bool checkCrcs) : IDisposable
{
    /// <summary>A control record's key: a version, then what it marks, 0 for an abort.</summary>
    private const int MarkerKeyLength = 4;

    private const short Abort = 0;

    private readonly HashSet<long> _aborted = [];
    private readonly LegacyMessages _legacy = new();
    private readonly BatchCursor _marker = new();
    private BatchFrames _frames;
    private IReadOnlyList<FetchedAbort> _aborts = [];
    private int _abort;

    public void Open(FetchedPart part)
    {
        _frames = new BatchFrames(part.Records);
        _aborted.Clear();
        _abort = 0;
        _aborts = readCommitted && part.Aborted.Count > 0 ? InOrder(part.Aborted) : [];
    }

    /// <summary>The next batch that counts, valid until the next call; false behind the last whole one.</summary>
    /// <param name="next">Where the reading stands; moves behind every batch that was passed or is given.</param>
    /// <exception cref="BatchDamagedException">What does not hold; <paramref name="next"/> is the last good offset.</exception>
    public bool TryNext(ref long next, out RecordBatch batch)
    {
        while (true)
        {
            var isLegacy = _frames.IsLegacy;
            if (!_frames.TryNext(out var entry))
            {
                batch = default;
                return false;
            }

            if (isLegacy)
            {
                batch = _legacy.Convert(entry);
            }
            else
            {
                batch = RecordBatch.Open(entry);
                if (checkCrcs && !batch.CrcIsValid)
                {
                    throw new BatchDamagedException("its checksum is wrong", RecordBatch.CrcPlace);
                }

                RecordRules.CheckHeader(batch);
            }

            if (batch.NextOffset <= next)
            {
                // A broker sends whole batches, and may begin before what was asked for.
                continue;
            }

            next = batch.NextOffset;
            if (Counts(batch))
            {
                return true;
            }
        }
    }

    public void Dispose()
    {
        _legacy.Dispose();
        _marker.Dispose();
    }

    private static IReadOnlyList<FetchedAbort> InOrder(IReadOnlyList<FetchedAbort> aborts)
    {
        for (var i = 1; i < aborts.Count; i++)
        {
            if (aborts[i].FirstOffset < aborts[i - 1].FirstOffset)
            {
                return [.. aborts.OrderBy(abort => abort.FirstOffset)];
            }
        }

        return aborts;
    }

    private bool Counts(in RecordBatch batch)
    {
        while (_abort < _aborts.Count && _aborts[_abort].FirstOffset <= batch.LastOffset)
        {
            _aborted.Add(_aborts[_abort++].ProducerId);
        }

        if (batch.IsControl)
        {
            if (_aborted.Count > 0 && MarksAbort(batch))
            {
                _aborted.Remove(batch.ProducerId);
            }

            return false;
        }

        return batch.RecordCount > 0 && !(batch.IsTransactional && _aborted.Contains(batch.ProducerId));
    }

    private bool MarksAbort(in RecordBatch batch)
    {
        _marker.Open(batch);
        return _marker.MoveNext()
            && _marker.Key.Length >= MarkerKeyLength
            && BinaryPrimitives.ReadInt16BigEndian(_marker.Key[sizeof(short)..]) == Abort;
    }
}
