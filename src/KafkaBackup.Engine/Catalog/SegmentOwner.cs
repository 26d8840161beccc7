namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// Whose segments lie in a backup's folder. The folder may have been renamed since, and the backup goes on to be written there.
/// </summary>
/// <param name="Folder">The folder's name, which is the backup's id now.</param>
/// <param name="Named">The id that the manifest has.</param>
/// <param name="IsForeign">Of another tool.</param>
internal readonly record struct SegmentOwner(string Folder, string Named, bool IsForeign = false)
{
    /// <summary>Whether a segment that says it is of that backup is of this one.</summary>
    public bool Owns(string backupId) => backupId == Named || backupId == Folder;
}
