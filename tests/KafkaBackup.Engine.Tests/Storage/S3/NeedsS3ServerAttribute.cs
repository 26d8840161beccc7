namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>
/// On a class that inherits its tests from one that needs no server: their attributes cannot say why they are skipped, and xunit 2 has no
/// other way. Where there can be no server such a class is left out as a whole; the tests with <see cref="S3FactAttribute"/> say so.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class NeedsS3ServerAttribute : Attribute;
