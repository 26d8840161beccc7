using System.Management.Automation;

namespace KafkaBackup.Binding;

/// <summary>Base of the attributes that understand a value in the forms users write it in, or refuse it naming the valid ones.</summary>
[AttributeUsage(AttributeTargets.Property)]
public abstract class ArgumentFormAttribute : ArgumentTransformationAttribute
{
    public sealed override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        if (ArgumentText.Unwrap(inputData) is null)
            return null!;
        try
        {
            return Read(inputData);
        }
        catch (KafkaBackupException refusal)
        {
            throw ArgumentText.Refusal(refusal);
        }
    }

    /// <summary>The value in the parameter's type; throws KafkaBackupException for what it does not understand.</summary>
    private protected abstract object Read(object argument);
}
