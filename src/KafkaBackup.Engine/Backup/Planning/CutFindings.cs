using System.Globalization;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// What a consistent cut could not do for transactions (rule B9): the plan and the result say it. Which producer has the transaction open
/// cannot be asked through the client library; the cluster's own tool tells.
/// </summary>
internal static class CutFindings
{
    public static IEnumerable<Finding> Of(IReadOnlyList<PartitionWork> partitions)
    {
        foreach (var held in partitions.Where(p => p.HeldBelowCut is not null))
        {
            yield return new Finding(
                FindingSeverity.Warning,
                FindingKind.Incomplete,
                held.Id.ToString(),
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Partition {held.Id} had a transaction open across the cut that did not end in time: it is backed up to offset {held.StoreTo:N0}, its last stable offset, and not to its cut at offset {held.HeldBelowCut:N0}. "
                )
                    + "Transactions that committed between these offsets are missing here, though what they wrote to other partitions is stored.",
                $"End the transaction or wait for its time-out, then back up again with a later time (kafka-transactions.sh describe-producers --topic {held.Id.Topic} --partition {held.Id.Partition} names its producer, on Kafka 3.0 or later)."
            );
        }

        var met = partitions.Where(p => p.MetTransactionAtCut).Select(p => p.Id).ToArray();
        if (met.Length > 0)
        {
            yield return new Finding(
                FindingSeverity.Information,
                FindingKind.Incomplete,
                met[0].Topic,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{met.Length:N0} partitions had a transaction open across the cut, the first is {met[0]}. What such a transaction wrote with a later time than the cut is not stored."
                ),
                "Nothing needs to be done if the cut is to be a point in time. To have whole transactions only, choose a time at which none was open."
            );
        }
    }
}
