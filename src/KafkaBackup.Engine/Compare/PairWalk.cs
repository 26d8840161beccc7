namespace KafkaBackup.Engine.Compare;

/// <param name="CommonTailOnly">What lies before the first pair is no difference, on whichever side it is.</param>
/// <param name="Start">What both feeds pass over.</param>
/// <param name="MostPairs">Null for all.</param>
internal sealed record WalkOptions(bool ByPosition, bool CommonTailOnly, SharedBeginning Start, long? MostPairs);

/// <summary>
/// Walks two sides of a partition record by record and keeps the score. Aligned by position the n-th meets the n-th; else both sides go up
/// by their numbers, and a record whose number the other side lacks is only on this one: before the first pair at the tail (the old end),
/// after the last pair at the head, anywhere else a difference.
/// </summary>
internal sealed class PairWalk(
    SideFeed reference,
    SideFeed difference,
    ComparisonEncoding referenceForm,
    ComparisonEncoding differenceForm,
    WalkOptions options
) : IDisposable
{
    private readonly Side _left = new(reference, referenceForm);
    private readonly Side _right = new(difference, differenceForm);
    private readonly PairDigests _digests = new();
    private Lonely? _firstLonely;
    private long _progress;

    /// <summary>Pairs that were compared.</summary>
    public long Compared { get; private set; }

    /// <summary>Pairs before the first difference.</summary>
    public long CommonTail { get; private set; }

    public RecordDifference? FirstDifference { get; private set; }

    public (long Reference, long Difference) Tail { get; private set; } = (options.Start.Reference, options.Start.Difference);

    public (long Reference, long Difference) Head { get; private set; }

    public bool HasPairsToGo => options.MostPairs is null || Compared < options.MostPairs;

    /// <summary>Of all pairs; meaningful at the end.</summary>
    public (string Reference, string Difference) Digests() => _digests.Texts();

    /// <param name="progress">Called now and then with the records looked at since the last call.</param>
    public async Task RunAsync(Action<long> progress)
    {
        while (HasPairsToGo && await _left.HasMoreAsync().ConfigureAwait(false) && await _right.HasMoreAsync().ConfigureAwait(false))
        {
            WalkChunks();
            progress(_progress);
            _progress = 0;
        }

        if (HasPairsToGo)
        {
            await CountRestAsync(_left, _right).ConfigureAwait(false);
            await CountRestAsync(_right, _left).ConfigureAwait(false);
            EndPending();
        }
    }

    public void Dispose()
    {
        _left.Dispose();
        _right.Dispose();
        _digests.Dispose();
    }

    private void WalkChunks()
    {
        while (_left.HasRecord && _right.HasRecord && HasPairsToGo)
        {
            ref readonly var left = ref _left.Current;
            ref readonly var right = ref _right.Current;

            // A record without a number has no partner. (Numbers that do not go up make records lonely on both sides, which is a
            // difference.)
            if (options.ByPosition || (left.Order == right.Order && left.Order >= 0))
            {
                Pair(left, right);
            }
            else if (left.Order < 0 || (right.Order >= 0 && left.Order < right.Order))
            {
                BeLonely(_left, isReference: true);
            }
            else
            {
                BeLonely(_right, isReference: false);
            }
        }

        HashPairs();
    }

    /// <summary>Neighbouring forms are hashed in one go.</summary>
    private void HashPairs() => _digests.Append(_left.EndPairs(), _right.EndPairs());

    private void Pair(in RecordEntry left, in RecordEntry right)
    {
        EndPendingBeforePair();
        if (!_left.Form(left).SequenceEqual(_right.Form(right)))
        {
            HashPairs();
            _digests.Part();
            FirstDifference ??= DifferenceText.Of(
                left.Offset,
                referenceForm.Read(_left.Form(left)),
                right.Offset,
                differenceForm.Read(_right.Form(right))
            );
        }
        else if (FirstDifference is null)
        {
            CommonTail++;
        }

        Compared++;
        _progress += 2;
        _left.TakePaired();
        _right.TakePaired();
    }

    private void BeLonely(Side side, bool isReference)
    {
        if (FirstDifference is null && _firstLonely is null)
        {
            _firstLonely = new Lonely(isReference, side.Current.Offset, side.Show());
        }

        HashPairs();
        side.TakeLonely();
        _progress++;
    }

    private void EndPendingBeforePair()
    {
        if (_left.Pending + _right.Pending == 0)
        {
            return;
        }

        if (Compared == 0)
        {
            Tail = (_left.Pending, _right.Pending);
        }

        if (Compared > 0 || (!options.CommonTailOnly && _left.Pending > 0 && _right.Pending > 0))
        {
            FirstDifference ??= _firstLonely?.ToDifference();
        }

        ForgetPending();
    }

    /// <summary>What is left over: a longer side's head, unless both sides have records that the other lacks.</summary>
    private void EndPending()
    {
        Head = (_left.Pending, _right.Pending);
        if (_left.Pending > 0 && _right.Pending > 0)
        {
            FirstDifference ??= _firstLonely?.ToDifference();
        }

        ForgetPending();
    }

    private void ForgetPending()
    {
        (_left.Pending, _right.Pending, _firstLonely) = (0, 0, null);
    }

    /// <summary>Asks only for numbers: nothing waits, and nothing is copied any more.</summary>
    private async Task CountRestAsync(Side side, Side ended)
    {
        if (ended.HasRecord)
        {
            return;
        }

        side.Feed.CountRest(options.MostPairs);
        while (await side.HasMoreAsync().ConfigureAwait(false))
        {
            if (FirstDifference is null && _firstLonely is null)
            {
                _firstLonely = new Lonely(ReferenceEquals(side, _left), side.Current.Offset, side.Show());
            }

            side.TakeRestOfChunk();
        }

        side.Pending += side.Feed.Counted;
    }

    /// <summary>A record without a partner, in case it turns out to be the first difference.</summary>
    private sealed record Lonely(bool IsReference, long Offset, string Shown)
    {
        public RecordDifference ToDifference() =>
            IsReference
                ? new RecordDifference(Offset, null, "Missing", Shown, DifferenceText.NoRecord)
                : new RecordDifference(null, Offset, "Missing", DifferenceText.NoRecord, Shown);
    }

    private sealed class Side(SideFeed feed, ComparisonEncoding form) : IDisposable
    {
        private RecordChunk? _chunk;
        private int _index;
        private int _pairedFrom;

        public SideFeed Feed => feed;

        /// <summary>Records since the last pair that the other side lacks.</summary>
        public long Pending { get; set; }

        public bool HasRecord => _chunk is not null && _index < _chunk.Count;

        public ref readonly RecordEntry Current => ref _chunk![_index];

        public async ValueTask<bool> HasMoreAsync()
        {
            if (!HasRecord)
            {
                _chunk = await feed.NextAsync(_chunk).ConfigureAwait(false);
                (_index, _pairedFrom) = (0, 0);
            }

            return HasRecord;
        }

        public ReadOnlySpan<byte> Form(in RecordEntry entry) => _chunk!.Form(entry);

        public string Show() => DifferenceText.Of(form.Read(_chunk!.Form(Current)));

        public void TakePaired() => _index++;

        public void TakeLonely()
        {
            _index++;
            _pairedFrom = _index;
            Pending++;
        }

        public void TakeRestOfChunk()
        {
            Pending += _chunk!.Count - _index;
            _index = _chunk.Count;
        }

        /// <summary>The forms of the pairs since the last call, or since the last lonely record.</summary>
        public ReadOnlySpan<byte> EndPairs()
        {
            var from = _pairedFrom;
            _pairedFrom = _index;
            return _chunk is null ? default : _chunk.Forms(from, _index - from);
        }

        public void Dispose() => _chunk?.Dispose();
    }
}
