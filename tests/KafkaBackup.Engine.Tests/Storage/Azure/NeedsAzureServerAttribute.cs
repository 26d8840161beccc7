namespace KafkaBackup.Engine.Tests.Storage.Azure;

/// <summary>
/// On a class that inherits its tests from one that needs no server: where there can be none such a class is left out as a whole; the tests
/// with <see cref="AzureFactAttribute"/> say why.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class NeedsAzureServerAttribute : Attribute;
