using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Log;
using Xunit;

namespace KafkaBackup.LocalBroker.Tests;

/// <summary>The rules of idempotent production, batch by batch.</summary>
public sealed class ProducerStateTests
{
    private readonly ProducerStates _states = new();
    private long _next;

    [Fact]
    public void A_repeated_batch_answers_with_its_first_offset()
    {
        Send(sequence: 0);
        Send(sequence: 10);
        Assert.Equal((ErrorCode.None, 0L), _states.Check(Batch(0, 0)));
        Assert.Equal((ErrorCode.None, 10L), _states.Check(Batch(10, 0)));
    }

    [Fact]
    public void A_gap_in_the_sequence_is_refused()
    {
        Send(sequence: 0);
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, _states.Check(Batch(20, 0)).Error);
    }

    [Fact]
    public void A_repetition_older_than_five_batches_is_refused()
    {
        for (var i = 0; i < 6; i++)
            Send(sequence: i * 10);
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, _states.Check(Batch(0, 0)).Error);
        Assert.Equal((ErrorCode.None, 10L), _states.Check(Batch(10, 0)));
    }

    [Fact]
    public void An_older_epoch_is_fenced_and_a_newer_one_starts_at_zero()
    {
        Send(sequence: 0, epoch: 1);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, _states.Check(Batch(10, 0)).Error);
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, _states.Check(Batch(10, 2)).Error);
        Assert.Equal(ErrorCode.None, _states.Check(Batch(0, 2)).Error);
    }

    [Fact]
    public void Sequences_wrap_after_the_largest_int()
    {
        Send(sequence: int.MaxValue - 9);
        Assert.Equal((ErrorCode.None, null), _states.Check(Batch(0, 0)));
        Send(sequence: int.MaxValue - 4);
        Assert.Equal((ErrorCode.None, null), _states.Check(Batch(5, 0)));
    }

    [Fact]
    public void An_unknown_producer_may_start_anywhere()
    {
        Assert.Equal((ErrorCode.None, null), _states.Check(Batch(1234, 3)));
    }

    private void Send(int sequence, short epoch = 0)
    {
        _states.Appended(Batch(sequence, epoch) with { BaseOffset = _next });
        _next += 10;
    }

    private static BatchHeader Batch(int sequence, short epoch) => new(0, 100, 0, 2, 0, 0, 9, 0, 0, 7, epoch, sequence, 10);
}
