using KafkaBackup.Pipeline;
using Xunit;

namespace KafkaBackup.Engine.Tests.Module;

/// <summary>The pump's queue, compiled into the tests: the module itself cannot be loaded without a PowerShell.</summary>
public class WriteQueueTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_writer_waits_while_the_queue_is_full()
    {
        var queue = new WriteQueue(2);
        var writer = Task.Run(() => Write(queue, 3));
        await Task.WhenAny(writer, Task.Delay(TimeSpan.FromMilliseconds(200)));
        Assert.False(writer.IsCompleted);

        var taken = new List<QueuedWrite>();
        Assert.True(queue.TakeAll(taken, Limit));
        Assert.Equal([0, 1], taken.Select(write => write.Value));
        await writer.WaitAsync(Limit);
        Assert.True(queue.TakeAll(taken, Limit));
        Assert.Equal([2], taken.Select(write => write.Value));
    }

    [Fact]
    public async Task Closing_lets_a_waiting_writer_go()
    {
        var queue = new WriteQueue(1);
        var writer = Task.Run(() => Write(queue, 100));
        queue.Close();
        await writer.WaitAsync(Limit);
        Assert.False(queue.TakeAll([], Limit));
    }

    [Fact]
    public async Task Closing_lets_a_waiting_reader_go()
    {
        var queue = new WriteQueue(1);
        var reader = Task.Run(() => queue.TakeAll([], TimeSpan.FromMinutes(5)));
        queue.Close();
        Assert.False(await reader.WaitAsync(Limit));
    }

    [Fact]
    public void An_empty_queue_gives_nothing_after_the_wait_and_stays_open()
    {
        var queue = new WriteQueue(1);
        var taken = new List<QueuedWrite> { new(WriteKind.Verbose, "old") };
        Assert.True(queue.TakeAll(taken, TimeSpan.FromMilliseconds(1)));
        Assert.Empty(taken);
    }

    [Fact]
    public async Task Everything_arrives_once_and_in_order()
    {
        const int count = 100_000;
        var queue = new WriteQueue(64);
        var writer = Task.Run(() => Write(queue, count));
        var seen = new List<object?>(count);
        var taken = new List<QueuedWrite>();
        while (seen.Count < count && queue.TakeAll(taken, Limit))
            seen.AddRange(taken.Select(write => write.Value));
        await writer.WaitAsync(Limit);
        Assert.Equal(Enumerable.Range(0, count).Cast<object?>(), seen);
    }

    private static void Write(WriteQueue queue, int count)
    {
        for (var i = 0; i < count; i++)
            queue.Add(new QueuedWrite(WriteKind.Output, i));
    }
}
