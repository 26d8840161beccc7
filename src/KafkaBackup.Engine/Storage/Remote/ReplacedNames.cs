using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Storage.Remote;

/// <summary>
/// Objects whose names say that they are written again or removed in the normal course of things: the lock, the newest head's copy for
/// people, the store's own scratch objects. They get neither a cold class nor retention: a retained lock could never be released, and cold
/// classes charge for a month whatever is replaced after a second.
/// </summary>
internal static class ReplacedNames
{
    private static readonly string[] Names = [StoreNames.Lock, StoreNames.Manifest];

    public static bool Contains(string key)
    {
        var name = key.AsSpan(key.LastIndexOf('/') + 1);
        foreach (var replaced in Names)
        {
            if (name.SequenceEqual(replaced))
            {
                return true;
            }
        }

        return name.StartsWith(StoreKey.ReservedNameStart, StringComparison.Ordinal);
    }
}
