using System.Collections;
using System.Globalization;

namespace KafkaBackup.Binding;

/// <summary>Where a new backup begins: <c>earliest</c>, <c>latest</c>, or offsets, <c>@{ orders = @{ 0 = 1234 } }</c>.</summary>
public sealed class StartOffsetFormAttribute : ArgumentFormAttribute
{
    private protected override object Read(object argument) =>
        ArgumentText.Unwrap(argument) switch
        {
            StartOffsets offsets => offsets,
            IDictionary topics => new StartOffsets { Offsets = Offsets(topics) },
            _ => ArgumentText.Of(argument).ToUpperInvariant() switch
            {
                "EARLIEST" => StartOffsets.Earliest,
                "LATEST" => StartOffsets.Latest,
                _ => throw Refuse($"'{ArgumentText.Of(argument)}' is not a start."),
            },
        };

    private static Dictionary<TopicPartition, long> Offsets(IDictionary topics)
    {
        var offsets = new Dictionary<TopicPartition, long>();
        foreach (DictionaryEntry topic in topics)
        {
            var name = ArgumentText.Of(topic.Key);
            if (ArgumentText.Unwrap(topic.Value) is not IDictionary partitions)
                throw Refuse($"The start of topic '{name}' is not a map of partitions to offsets.");
            foreach (DictionaryEntry partition in partitions)
                offsets.Add(new TopicPartition(name, (int)Number(partition.Key, int.MaxValue)), Number(partition.Value, long.MaxValue));
        }

        return offsets;
    }

    private static long Number(object? value, long largest) =>
        value is not null
        && long.TryParse(ArgumentText.Of(value), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number <= largest
            ? number
            : throw Refuse($"{Redaction.Show($"{value}")} is not a number of a partition or an offset.");

    private static KafkaBackupException Refuse(string message) =>
        ErrorIds.ConfigWrongType.With(
            message,
            advice: "Write earliest, latest, or offsets by topic and partition: @{ orders = @{ 0 = 1234; 1 = 0 } }."
        );
}
