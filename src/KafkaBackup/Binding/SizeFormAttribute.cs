namespace KafkaBackup.Binding;

/// <summary>Sizes: a number of bytes, <c>64MB</c>, <c>1GiB</c>.</summary>
public sealed class SizeFormAttribute : ArgumentFormAttribute
{
    private protected override object Read(object argument) => SizeText.Parse(ArgumentText.Of(argument));
}
