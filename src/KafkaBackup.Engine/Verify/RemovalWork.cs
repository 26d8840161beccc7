using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>All that a removal is going to do.</summary>
/// <param name="Generation">Of the manifest that the plan was made from.</param>
/// <param name="Pruned">What the manifest will be when old runs are removed; null when the whole backup goes.</param>
/// <param name="Objects">What will be gone: full keys and sizes.</param>
internal sealed record RemovalWork(string BackupId, bool IsForeign, long Generation, Manifest? Pruned, IReadOnlyList<StoreObject> Objects)
{
    /// <summary>The manifest is beyond use, so that there is nothing to begin from but its id.</summary>
    public bool IsDamaged { get; init; }

    /// <summary>How many of the objects no manifest names: left by a run or a removal that died.</summary>
    public int Leftovers { get; init; }

    /// <summary>How many runs lose what they stored.</summary>
    public int Runs { get; init; }
}
