using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using KafkaBackup.Engine;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Binding;

/// <summary>
/// Completes what a store can tell, from the store's parameters already on the line. A completer has no way to report: where the store does
/// not answer in time, or there is none, it offers nothing, and the command itself will say why.
/// </summary>
public abstract class StoreCompleter : IArgumentCompleter
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName,
        string parameterName,
        string wordToComplete,
        CommandAst commandAst,
        IDictionary fakeBoundParameters
    )
    {
        var word = wordToComplete.Trim('\'', '"');
        var difference = parameterName.StartsWith("Difference", StringComparison.OrdinalIgnoreCase) ? "Difference" : "";
        try
        {
            if (Store(fakeBoundParameters, difference) is not { Path: not null } store)
                return [];
            using var patience = new CancellationTokenSource(Patience);
            var search = Task.Run(
                () => FindAsync(store, Text(fakeBoundParameters, difference + "BackupId"), word, patience.Token),
                patience.Token
            );
            return Task.WaitAny([search], Patience) == 0 && search.IsCompletedSuccessfully ? search.Result.Select(Result).ToArray() : [];
        }
        catch (KafkaBackupException)
        {
            return [];
        }
    }

    private protected abstract IAsyncEnumerable<BackupInfo> Look(
        KafkaEngine engine,
        StoreSettings store,
        string? backupId,
        string word,
        CancellationToken cancel
    );

    private protected abstract IEnumerable<(string Name, string Tip)> Offer(BackupInfo backup);

    private async Task<List<(string Name, string Tip)>> FindAsync(
        StoreSettings store,
        string? backupId,
        string word,
        CancellationToken cancel
    )
    {
        var engine = new KafkaEngine(SilentEvents.Instance, "/");
        var found = new List<(string Name, string Tip)>();
        await foreach (var backup in Look(engine, store, backupId, word, cancel).WithCancellation(cancel).ConfigureAwait(false))
            found.AddRange(Offer(backup));
        // What is inserted is executed with the line: names that are none are left out.
        return found
            .Where(offer => offer.Name.All(NameRules.IsTopicCharacter) && offer.Name.StartsWith(word, StringComparison.OrdinalIgnoreCase))
            .DistinctBy(offer => offer.Name)
            .ToList();
    }

    private static StoreSettings? Store(IDictionary parameters, string difference)
    {
        // The session's own state is the only one that knows the current location and the drives.
        using var session = PowerShell.Create(RunspaceMode.CurrentRunspace);
        session.AddScript("$ExecutionContext.SessionState");
        var state = session.Invoke<SessionState>().SingleOrDefault();
        return state is null
            ? null
            : StoreBinding.Settings(
                state,
                Text(parameters, difference + "Path"),
                Value(parameters, difference + "StorageOption") as Hashtable,
                Value(parameters, "StorageCredential") as PSCredential
            );
    }

    private static CompletionResult Result((string Name, string Tip) offer) =>
        new(offer.Name, offer.Name, CompletionResultType.ParameterValue, offer.Tip);

    private static string? Text(IDictionary parameters, string name) =>
        Value(parameters, name) is { } value ? ArgumentText.Of(value) : null;

    private static object? Value(IDictionary parameters, string name) => ArgumentText.Unwrap(parameters[name]);
}
