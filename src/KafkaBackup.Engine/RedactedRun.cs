namespace KafkaBackup.Engine;

/// <summary>
/// Lets an operation that reads a configuration file say nothing that came from a variable: its errors, its events, its plan and its
/// results go through one <see cref="Redaction"/>.
/// </summary>
internal sealed class RedactedRun(IEngineEvents inner) : IEngineEvents
{
    public Redaction Redaction { get; } = new();

    public void Verbose(string message) => inner.Verbose(Redaction.Apply(message));

    public void Warning(string message) => inner.Warning(Redaction.Apply(message));

    public void Error(KafkaBackupException error) => inner.Error(Redaction.Apply(error));

    public void Progress(ProgressInfo progress) => inner.Progress(progress);

    public async Task<PlannedOperation<TPlan, TResult>> PlanAsync<TPlan, TResult>(
        Func<Task<PlannedOperation<TPlan, TResult>>> plan,
        Func<TPlan, TPlan> cleanPlan,
        Func<TResult, TResult> cleanResult
    )
    {
        var planned = await GuardAsync(plan).ConfigureAwait(false);
        return new PlannedOperation<TPlan, TResult>(
            cleanPlan(planned.Plan),
            async stop => cleanResult(await GuardAsync(() => planned.RunAsync(stop)).ConfigureAwait(false)),
            planned.DisposeAsync
        );
    }

    public ItemList<Finding> Clean(IEnumerable<Finding> findings) => ItemList.From(findings.Select(Redaction.Apply).ToArray());

    public string? Clean(string? text) => text is null ? null : Redaction.Apply(text);

    private async Task<T> GuardAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (KafkaBackupException error) when (!ReferenceEquals(Redaction.Apply(error), error))
        {
            throw Redaction.Apply(error);
        }
    }
}
