using System.Management.Automation;
using System.Management.Automation.Host;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KafkaBackup.Formatting;

namespace KafkaBackup.Pipeline;

/// <summary>
/// What every cmdlet here is. Write* is legal on the pipeline thread only, and the engine runs on others: <see cref="Pump"/> starts the
/// engine on a worker and stays on the pipeline thread, passing on what the worker queues. However it is left (the end, a downstream that
/// has enough, -ErrorAction Stop, an engine's failure, Ctrl+C), the worker is cancelled and joined first.
/// </summary>
public abstract class EngineCmdlet : PSCmdlet
{
    // Long enough to commit what is open to a slow object store; not so long that a stop looks like a hang.
    private static readonly TimeSpan JoinLimit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(200);

    // After a signal the process lives only as long as we ask it to; this much is for the result to reach the next cmdlet.
    private static readonly TimeSpan LastWordsLimit = TimeSpan.FromSeconds(2);

    private volatile EngineRun? _run;
    private bool _yesToAll;
    private bool _noToAll;

    /// <summary>Where relative paths begin: the file system's current location, even when the session stands in another provider.</summary>
    private protected string BaseDirectory => SessionState.Path.CurrentFileSystemLocation.ProviderPath;

    /// <summary>False where the items of the pipeline are handled together, so that one failure is the failure of all.</summary>
    private protected virtual bool HandlesItemsOneByOne => true;

    protected sealed override void ProcessRecord() => Guard(Process);

    protected sealed override void EndProcessing() => Guard(Finish);

    protected sealed override void StopProcessing() => _run?.Close();

    /// <summary>What to do for each item of the pipeline, and once where there is none.</summary>
    private protected virtual void Process() { }

    /// <summary>What to do when all items are in.</summary>
    private protected virtual void Finish() { }

    /// <summary>A switch that was not given leaves the choice to the file: null, not false.</summary>
    private protected bool? Given(SwitchParameter value, [CallerArgumentExpression(nameof(value))] string parameter = "") =>
        MyInvocation.BoundParameters.ContainsKey(parameter) ? value.IsPresent : null;

    /// <summary>Runs <paramref name="work"/> on a worker and writes what it says, until it has ended.</summary>
    private protected void Pump(Func<EngineRun, Task> work)
    {
        var run = new EngineRun(BaseDirectory);
        _run = run;
        if (Stopping)
            throw new PipelineStoppedException();

        var worker = run.Start(work);
        var written = new TaskCompletionSource();
        var terminated = false;

        // Neither StopProcessing nor finally runs when the process is told to end: its handlers do, and it ends when they return.
        using (
            PosixSignalRegistration.Create(
                PosixSignal.SIGTERM,
                _ =>
                {
                    Volatile.Write(ref terminated, true);
                    run.RequestStop();
                    Join(worker);
                    written.Task.Wait(LastWordsLimit);
                }
            )
        )
        {
            try
            {
                PassOn(run);
            }
            finally
            {
                run.Close();
                Join(worker);
                _run = null;
                written.SetResult();
            }
        }

        // The process is about to go: what the script has in mind next is not to begin.
        if (Stopping || Volatile.Read(ref terminated))
            throw new PipelineStoppedException();
        if (worker.IsFaulted)
            Fail(EngineError.From(worker.Exception!.GetBaseException()));
        else if (worker.IsCanceled)
            Fail(EngineError.From(new OperationCanceledException("the operation was cancelled from inside.")));
    }

    /// <summary>Turns a refusal of what was given into an error record.</summary>
    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (KafkaBackupException refusal)
        {
            Fail(EngineError.From(refusal));
        }
    }

    /// <summary>Ends the cmdlet; where other items may go on, only this one.</summary>
    private void Fail(ErrorRecord error)
    {
        if (HandlesItemsOneByOne && MyInvocation.ExpectingInput)
            WriteError(error);
        else
            ThrowTerminatingError(error);
    }

    private static bool Join(Task worker) => Task.WaitAny([worker], JoinLimit) == 0;

    private void PassOn(EngineRun run)
    {
        var progress = new ProgressDisplay(this);
        var nextProgress = Environment.TickCount64;
        var writes = new List<QueuedWrite>();
        var ended = false;
        while (!ended && run.TakeAll(writes, ProgressInterval))
        {
            foreach (var write in writes)
                ended |= !PassOn(write);

            if (Environment.TickCount64 >= nextProgress && run.TakeProgress() is { } newest)
            {
                progress.Show(newest);
                nextProgress = Environment.TickCount64 + (long)ProgressInterval.TotalMilliseconds;
            }
        }

        if (Stopping)
            throw new PipelineStoppedException();
        progress.Complete();
    }

    /// <returns>False for the last message.</returns>
    private bool PassOn(QueuedWrite write)
    {
        switch (write.Kind)
        {
            case WriteKind.Output:
                WriteObject(write.Value);
                return true;
            case WriteKind.Verbose:
                WriteVerbose(Display.Message((string)write.Value!));
                return true;
            case WriteKind.Warning:
                WriteWarning(Display.Message((string)write.Value!));
                return true;
            case WriteKind.Error:
                WriteError(EngineError.From((KafkaBackupException)write.Value!));
                return true;
            case WriteKind.Question:
                var question = (Question)write.Value!;
                var description = Display.Message(question.Description);
                if (!ShouldProcess(description, description, MyInvocation.MyCommand.Name))
                    question.Reply(false);
                else if (question.Always && !IsAnswered)
                    Ask(question, description);
                else
                    question.Reply(true);
                return true;
            default:
                return false;
        }
    }

    /// <summary>-Confirm has already asked; -Confirm:$false and $ConfirmPreference = 'None' ask for no question.</summary>
    private bool IsAnswered =>
        MyInvocation.BoundParameters.ContainsKey("Confirm")
        || SessionState.PSVariable.GetValue("ConfirmPreference") is ConfirmImpact.None or "None";

    private void Ask(Question question, string description)
    {
        try
        {
            question.Reply(ShouldContinue(description, MyInvocation.MyCommand.Name, ref _yesToAll, ref _noToAll));
        }
        catch (Exception e) when (e is PSInvalidOperationException or HostException or NotImplementedException)
        {
            question.Fail(ErrorIds.ConfirmationNeeded.With($"Nobody can be asked in this session: {description}", inner: e));
        }
    }
}
