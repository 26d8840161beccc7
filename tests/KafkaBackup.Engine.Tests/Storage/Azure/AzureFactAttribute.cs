using KafkaBackup.Testing.Azure;

namespace KafkaBackup.Engine.Tests.Storage.Azure;

/// <summary>A test that needs a blob service; where there can be none, the reason is its result.</summary>
public sealed class AzureFactAttribute : FactAttribute
{
    public AzureFactAttribute() => Skip = AzureTestServer.WhyNot;
}
