using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using KafkaBackup.Engine;

namespace KafkaBackup.Pipeline;

/// <summary>
/// One run of the engine on behalf of a cmdlet, seen from the engine's side. Everything that is to reach PowerShell goes through a bounded
/// queue, so a slow pipeline slows the engine down instead of filling memory; progress goes through a slot that only remembers the newest.
/// Once closed, nobody reads any more: writes are dropped, and writers that wait are let go.
/// </summary>
[SuppressMessage(
    "Reliability",
    "CA1001",
    Justification = "It holds no handle, and a straggling thread of the engine may still look at its token after the end: that must not throw."
)]
internal sealed class EngineRun : IEngineEvents
{
    private const int QueueCapacity = 1024;

    // A continuous run may warn for months; memory of it may not grow as long.
    private const int RememberedWarnings = 1000;

    private readonly WriteQueue _queue = new(QueueCapacity);
    private readonly ConcurrentDictionary<string, bool> _warned = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private ProgressInfo? _progress;

    public EngineRun(string baseDirectory) => Engine = new KafkaEngine(this, baseDirectory);

    public KafkaEngine Engine { get; }

    /// <summary>Asks the engine to stop in good order: commit what is durable, and return.</summary>
    public CancellationToken Stop => _stop.Token;

    public void Output(object value) => _queue.Add(new QueuedWrite(WriteKind.Output, value));

    public async Task OutputAll<T>(IAsyncEnumerable<T> values)
        where T : notnull
    {
        await foreach (var value in values.WithCancellation(Stop).ConfigureAwait(false))
            Output(value);
    }

    public void Verbose(string message) => _queue.Add(new QueuedWrite(WriteKind.Verbose, message));

    /// <summary>A plan's findings and the run itself may warn of the same thing; once is enough.</summary>
    public void Warning(string message)
    {
        if (_warned.Count < RememberedWarnings && !_warned.TryAdd(message, true))
            return;
        _queue.Add(new QueuedWrite(WriteKind.Warning, message));
    }

    public void Error(KafkaBackupException error) => _queue.Add(new QueuedWrite(WriteKind.Error, error));

    public void Progress(ProgressInfo progress) => Interlocked.Exchange(ref _progress, progress);

    /// <summary>
    /// What a plan has to say before anything is done; in the engine's own words, so that what it has said itself is not said twice.
    /// </summary>
    public void Findings(IEnumerable<Finding> findings)
    {
        foreach (var finding in findings)
        {
            if (finding.Severity == FindingSeverity.Information)
                Verbose(finding.Message);
            else
                Warning($"{finding.Message} {finding.Advice}");
        }
    }

    /// <summary>ShouldProcess, from the engine's side. False under -WhatIf.</summary>
    /// <param name="always">Asks without -Confirm too, because what is removed cannot be brought back (rule N2).</param>
    public async Task<bool> ShouldProcessAsync(string description, bool always = false)
    {
        var question = new Question(description, always);
        using var abandoned = _stop.Token.Register(question.Abandon);
        _queue.Add(new QueuedWrite(WriteKind.Question, question));
        return await question.Answer.ConfigureAwait(false);
    }

    /// <summary>Runs the work on a thread of its own; the last message in the queue then says that there will be no other.</summary>
    internal Task Start(Func<EngineRun, Task> work) =>
        Task.Run(async () =>
        {
            try
            {
                await work(this).ConfigureAwait(false);
            }
            finally
            {
                _queue.Add(new QueuedWrite(WriteKind.End, null));
            }
        });

    /// <summary>The pipeline thread's end of the queue; see <see cref="WriteQueue.TakeAll"/>.</summary>
    internal bool TakeAll(List<QueuedWrite> taken, TimeSpan wait) => _queue.TakeAll(taken, wait);

    /// <summary>The newest progress since the last call, if any.</summary>
    internal ProgressInfo? TakeProgress() => Interlocked.Exchange(ref _progress, null);

    /// <summary>Asks the engine to stop while its last words are still wanted.</summary>
    internal void RequestStop() => _stop.Cancel();

    /// <summary>Asks the engine to stop, and reads no more.</summary>
    internal void Close()
    {
        _stop.Cancel();
        _queue.Close();
    }
}
