namespace KafkaBackup.Pipeline;

/// <summary>What the pipeline thread is to do with a queued value.</summary>
internal enum WriteKind
{
    Output,
    Verbose,
    Warning,
    Error,
    Question,
    End,
}

/// <summary>One thing that the engine's side has to say, on its way to the pipeline thread.</summary>
internal readonly record struct QueuedWrite(WriteKind Kind, object? Value);

/// <summary>A ShouldProcess question: only the pipeline thread may ask it, and the engine's side waits for the answer.</summary>
/// <param name="always">Asked without -Confirm too.</param>
internal sealed class Question(string description, bool always)
{
    private readonly TaskCompletionSource<bool> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What -WhatIf prints and -Confirm asks about.</summary>
    public string Description => description;

    public bool Always => always;

    public Task<bool> Answer => _answer.Task;

    public void Reply(bool yes) => _answer.TrySetResult(yes);

    public void Fail(KafkaBackupException reason) => _answer.TrySetException(reason);

    public void Abandon() => _answer.TrySetCanceled();
}
