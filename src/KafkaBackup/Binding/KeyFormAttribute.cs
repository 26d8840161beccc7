using System.Text;

namespace KafkaBackup.Binding;

/// <summary>A record's key: text, which is taken as UTF-8, or bytes.</summary>
public sealed class KeyFormAttribute : ArgumentFormAttribute
{
    private protected override object Read(object argument) =>
        ArgumentText.Unwrap(argument) switch
        {
            byte[] bytes => bytes,
            object[] items when items.All(item => ArgumentText.Unwrap(item) is byte) => Array.ConvertAll(
                items,
                item => (byte)ArgumentText.Unwrap(item)!
            ),
            _ => Encoding.UTF8.GetBytes(ArgumentText.Of(argument)),
        };
}
