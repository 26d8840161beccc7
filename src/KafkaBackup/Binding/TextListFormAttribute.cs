using System.Collections;
using System.Management.Automation;

namespace KafkaBackup.Binding;

/// <summary>
/// Lists of names: one name, an array, or any other collection, such as the keys of a map. Left to itself PowerShell joins a collection
/// that is no list into one text with spaces.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class TextListFormAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) =>
        ArgumentText.Unwrap(inputData) switch
        {
            null => null!,
            IDictionary => throw new ArgumentTransformationMetadataException(
                "A map is given where names are expected. Give its keys or its values: (... -Topic $map.Keys)."
            ),
            string or not IEnumerable => new[] { ArgumentText.Of(inputData) },
            IEnumerable items => Texts(items).ToArray(),
        };

    private static IEnumerable<string> Texts(IEnumerable items)
    {
        foreach (var item in items)
        {
            if (ArgumentText.Unwrap(item) is IEnumerable inner and not string and not IDictionary)
            {
                foreach (var text in Texts(inner))
                    yield return text;
            }
            else
            {
                yield return item is null ? "" : ArgumentText.Of(item);
            }
        }
    }
}
