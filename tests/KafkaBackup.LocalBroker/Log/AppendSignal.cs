namespace KafkaBackup.LocalBroker.Log;

/// <summary>Wakes a waiting fetch when one of its partitions changed.</summary>
internal sealed class AppendSignal
{
    private TaskCompletionSource _source = New();

    public Task Task => Volatile.Read(ref _source).Task;

    public void Set() => Volatile.Read(ref _source).TrySetResult();

    public void Reset()
    {
        if (Task.IsCompleted)
            Volatile.Write(ref _source, New());
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
