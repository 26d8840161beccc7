using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Configuration;

/// <summary>How the settings about consumer-group offsets go together (rules F1, E1).</summary>
internal static class GroupRules
{
    public static IEnumerable<string> Missing(RestoreSettings settings)
    {
        if (settings.ResetConsumerOffsets == true && settings.AllConsumerGroups != true && settings.ConsumerGroups is null or { Count: 0 })
        {
            yield return "the groups whose offsets are to be reset (-ResetConsumerGroup, consumer_groups or auto_consumer_groups in the file)";
        }
    }

    public static (OffsetStrategy Strategy, bool AddHeaders) Decide(RestoreSettings settings, Action<string> warn)
    {
        var reset = settings.ResetConsumerOffsets == true;
        if (reset && settings.OffsetStrategy is OffsetStrategy.Skip or OffsetStrategy.Manual)
        {
            var name = EnumText.Spell(settings.OffsetStrategy.Value);
            throw ErrorIds.ConfigConflict.With(
                $"Consumer-group offsets are to be reset, but the strategy {name} writes none.",
                "OffsetStrategy",
                "Choose the strategy header-based, timestamp-based or cluster-scan, or do not reset."
            );
        }

        if (settings.AllConsumerGroups == true && settings.ConsumerGroups is { Count: > 0 } named)
        {
            throw ErrorIds.ConfigConflict.With(
                $"All consumer groups are asked for, and {string.Join(", ", named.Take(3).Select(group => $"'{group}'"))}{(named.Count > 3 ? ", ..." : "")} by name.",
                "AllConsumerGroups",
                "Name groups with -ResetConsumerGroup (consumer_groups), or take all with -AllConsumerGroups (auto_consumer_groups)."
            );
        }

        if (!reset && (settings.AllConsumerGroups == true || settings.ConsumerGroups is { Count: > 0 }))
        {
            warn("Consumer groups are named, but reset_consumer_offsets is not true: no group's offsets are written.");
        }

        // Header-based is the only strategy that is exact by what the restore itself has seen.
        var strategy = settings.OffsetStrategy ?? (reset ? OffsetStrategy.HeaderBased : OffsetStrategy.Skip);
        if (strategy != OffsetStrategy.HeaderBased)
        {
            return (strategy, settings.IncludeOriginalOffsetHeader ?? false);
        }

        if (settings.OffsetStrategy is null)
        {
            warn(
                $"No strategy for consumer-group offsets is given: header-based is used, which adds {HeaderNames.OriginalOffset} and {HeaderNames.OriginalTimestamp} headers."
            );
        }
        else if (settings.IncludeOriginalOffsetHeader == false)
        {
            warn("include_original_offset_header: false has no effect: the strategy header-based adds the headers.");
        }

        return (strategy, true);
    }
}
