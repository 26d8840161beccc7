using System.Collections;
using System.Management.Automation;

namespace KafkaBackup.Binding;

/// <summary>
/// Maps: a hashtable, any other dictionary, or the options that a result carries. Keys that differ by case stay two keys, as in Kafka.
/// </summary>
public sealed class MapFormAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        var map = new Hashtable(StringComparer.Ordinal);
        switch (ArgumentText.Unwrap(inputData))
        {
            case IDictionary dictionary:
                foreach (DictionaryEntry entry in dictionary)
                    map.Add(ArgumentText.Of(entry.Key), entry.Value);
                return map;
            case IEnumerable<KeyValuePair<string, string>> pairs:
                foreach (var (key, value) in pairs)
                    map.Add(key, value);
                return map;
            default:
                // PowerShell refuses it, naming the type it wants; the value, which may be a secret, is not repeated here.
                return inputData;
        }
    }
}
